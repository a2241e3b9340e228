import platform

from scratchlm.base.processor import ARITHMETIC, cpu_name, instruction_sets


def test_a_processor_has_a_name():
    assert cpu_name() and cpu_name() == cpu_name().strip()


def test_only_what_decides_the_bits_of_a_sum_is_listed():
    for flag in ("avx2", "avx512_bf16", "amx_tile", "fma", "asimd", "sve2", "i8mm"):
        assert ARITHMETIC.fullmatch(flag)
    for flag in ("ibrs", "md_clear", "hypervisor", "rdrand", "aes"):
        assert not ARITHMETIC.fullmatch(flag)


def test_the_list_is_sorted_and_says_what_linux_says():
    found = instruction_sets()
    assert found == sorted(set(found))
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        assert "sse2" in found
