import inspect
import lzma
import random
import shutil
import subprocess

import pytest

from scratchlm.evaluate.compression import (
    PRESET,
    count_xz_bytes,
    measure_compression,
)

TEXTS = [
    inspect.getsource(random),
    inspect.getsource(shutil),
    "x" * 70_000 + "ä",
    "short",
]


@pytest.mark.parametrize("text", [*TEXTS, ""])
def test_the_small_dictionary_gives_the_length_of_the_full_preset(text):
    data = text.encode()
    assert count_xz_bytes(data) == len(lzma.compress(data, preset=PRESET))


@pytest.mark.skipif(shutil.which("xz") is None, reason="no xz program here")
def test_the_length_is_that_of_the_program():
    data = TEXTS[0].encode()
    program = subprocess.run(
        ["xz", "-9e", "-c"], input=data, capture_output=True, check=True
    )
    assert count_xz_bytes(data) == len(program.stdout)


def test_bytes_are_counted_not_characters():
    packed = measure_compression(["äöü", "abc"], ["one", "two"])
    assert packed.file_bytes == (6, 3) and packed.n_bytes == 9
    assert packed.names == ("one", "two")


def test_an_archive_is_smaller_than_its_files_alone():
    packed = measure_compression(TEXTS)
    assert packed.archive_bits_per_byte < packed.per_file_bits_per_byte
    total = sum(len(lzma.compress(t.encode(), preset=PRESET)) for t in TEXTS)
    assert packed.per_file_bits_per_byte == 8 * total / packed.n_bytes


def test_the_same_text_twice_costs_the_archive_almost_nothing():
    once = measure_compression(TEXTS[:1]).archive_compressed_bytes
    twice = measure_compression(TEXTS[:1] * 2).archive_compressed_bytes
    assert twice < once + 100
