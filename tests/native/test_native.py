"""Laws of the C core's building: clean under warnings and sanitizers, and optional."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from scratchlm import native

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "src" / "scratchlm" / "native"
STRICT = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-fPIC", "-pthread"]
COMPILER = shutil.which("gcc") or shutil.which("clang")

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler here")
HEADER = Path(sysconfig.get_paths()["include"], "Python.h")


def compile_all(target: Path, *options: str) -> Path:
    """The extension, built by hand."""
    if not HEADER.exists():
        pytest.skip("Python's headers are not installed")
    files = sorted(map(str, SOURCES.glob("*.c")))
    command = [COMPILER, *STRICT, *options, "-shared", f"-I{HEADER.parent}", *files]
    done = subprocess.run([*command, "-o", str(target)], capture_output=True, text=True)
    if "cannot find" in done.stderr and "san" in done.stderr:
        pytest.skip("the sanitizers are not installed")
    assert done.returncode == 0, done.stderr
    return target


def build_wheel(tmp_path: Path, **environment: str) -> list[str]:
    """What stands in a wheel of this checkout."""
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.egg-info")
    shutil.copytree(REPOSITORY / "src", checkout / "src", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, checkout / name)
    program = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [wheel] = (checkout / "wheels").glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


@needs_compiler
def test_the_sources_compile_without_a_warning(tmp_path):
    assert compile_all(tmp_path / "core.so").stat().st_size > 10_000


def test_without_a_compiler_the_package_is_built_all_the_same(tmp_path):
    names = build_wheel(tmp_path, CC="/nonexistent/cc")
    assert "scratchlm/native/__init__.py" in names
    assert not [name for name in names if name.endswith((".so", ".pyd"))]


@needs_compiler
@pytest.mark.skipif(not HEADER.exists(), reason="Python's headers are not installed")
def test_with_a_compiler_one_extension_serves_every_later_python(tmp_path):
    names = build_wheel(tmp_path)
    built = [name for name in names if name.endswith((".so", ".pyd"))]
    assert built == [
        f"scratchlm/native/_core.abi3{sysconfig.get_config_var('SHLIB_SUFFIX')}"
    ]


def test_switched_off_it_says_so_and_the_ids_stay_the_same():
    program = (
        "from scratchlm import native\n"
        "from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer\n"
        "t = train_tokenizer(TokenizerConfig(vocab_size=300), ['naïve abab ab'] * 3)\n"
        "print(t.sha256, t.encode('abab naïve'), native.core is None, native.why)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "SCRATCHLM_NATIVE": switch},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("] ")
        for switch in ("0", "1")
    ]
    assert said[0][0] == said[1][0]
    assert "SCRATCHLM_NATIVE=0" in said[0][1]
    assert said[1][1].startswith(str(native.core is None))


HARD = """
import random, sys, threading
sys.path.insert(0, sys.argv[1])
import _core
import numpy as np
table = bytearray(0x110000)
for point in range(0x110000):
    table[point] = (point * 2654435761 >> 7) & 0x3F
table[10] |= 12
table = bytes(table)
draw = random.Random(1)
parts = [b"a", b"the ", b"\\n", b"'s", b"\\xff", b"\\xe2\\x82", b"1", b" " * 9]
parts.append(b"\\xf0\\x9f\\x98\\x80")
texts = [b"".join(draw.choices(parts, k=draw.randrange(0, 99))) for _ in range(99)]
texts += [b"x" * 5000, b"", b"ab c" * 70_000, bytes(range(256)) * 99]
for pattern in range(6):
    for text in texts:
        ends = np.frombuffer(_core.split(pattern, table, text), np.int64)
        assert (np.diff(ends, prepend=0) > 0).all()
        assert (ends[-1] if len(ends) else 0) == len(text)
    counter = _core.Counter(pattern, table)
    for text in texts:
        n = counter.add(text, 1, 3, False)
        counter.add(text[n:], 2, 1, True)
    counter.add_texts(texts, 5, 4)
    blob, lengths, counts = counter.export()
    offsets = np.zeros(len(lengths) // 4 + 1, np.int64)
    np.cumsum(np.frombuffer(lengths, np.uint32), out=offsets[1:])
    symbols = np.frombuffer(blob, np.uint8).astype(np.int32)
    one = np.ones(256, np.int32)
    none = np.zeros((0, 2), np.int32)
    merges, _ = _core.learn_merges(symbols, offsets, counts, one, none, 400, 1, 20)
    merges = np.frombuffer(merges, np.int32).reshape(-1, 2)
    again, _ = _core.learn_merges(symbols, offsets, counts, one, merges[:50], 90, 1, 0)
    tokens = [bytes([byte]) for byte in range(256)]
    for left, right in merges.tolist():
        tokens.append(tokens[left] + tokens[right])
    ends = np.cumsum([0, *map(len, tokens)])
    made = np.arange(256, 256 + len(merges), dtype=np.int32)
    first = np.arange(256, dtype=np.int32)
    common = (pattern, table, False, pattern == 1, len(tokens) + 3)
    common += (b"".join(tokens), ends, bytes(len(tokens)))
    encoder = _core.Encoder(*common, first, merges, made, made)
    def work():
        for text in texts:
            assert encoder.decode(encoder.encode(text)) == text
    threads = [threading.Thread(target=work) for _ in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    lists = encoder.encode_batch(texts, 3)
    ids, _ = encoder.encode_batch_array(texts, 2, 4)
    assert np.frombuffer(ids, np.uint16).tolist() == [i for l in lists for i in l]
    for wrong in ([-1], [1 << 70], ["a"], [len(tokens) + 3]):
        try:
            encoder.decode(wrong)
        except (ValueError, TypeError):
            continue
        raise SystemExit("a wrong id was accepted")
more = texts + [b"ab \\xe6\\x97", b"\\xc2", b"z" * 65, "日本 a“b” ไทย".encode() * 400]
for threads in (1, 4):
    keys, counts = _core.band_keys(more, 18, 6, threads)
    hashes, sizes = _core.shingle_sets(more, threads)
sets = np.concatenate([[0], np.cumsum(np.frombuffer(sizes, np.int64))])
column = (np.frombuffer(b"".join(more), np.uint8), np.cumsum([0, *map(len, more)]))
assert _core.band_keys(column, 18, 6, 2) == (keys, counts)
n = len(more)
buckets = np.arange(5 * n) // 5 % 7
at = np.arange(n + 1) * 5
for link in (False, True):
    given = (buckets, at, hashes, sets, np.ones(n, np.int64), 7, 0.3, 0.9, link, 9, 16)
    pairs = np.frombuffer(_core.find_near(*given), np.int64).reshape(-1, 3)
    assert (pairs[:, 0] > pairs[:, 1]).all()
for place, wrong in ((0, buckets + 1), (1, at + 1), (3, sets[::-1].copy()), (10, 999)):
    try:
        _core.find_near(*given[:place], wrong, *given[place + 1 :])
    except ValueError:
        continue
    raise SystemExit("a wrong description was accepted")
print("clean")
"""


@needs_compiler
@pytest.mark.skipif(sys.platform != "linux", reason="preloads the sanitizer")
def test_hard_input_is_clean_under_address_and_undefined_behaviour_sanitizers(tmp_path):
    options = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compile_all(tmp_path / "_core.abi3.so", *options)
    find = [COMPILER, "-print-file-name=libasan.so"]
    library = subprocess.run(find, capture_output=True, text=True).stdout.strip()
    if not Path(library).is_absolute():
        pytest.skip("the sanitizers are not installed")
    done = subprocess.run(
        [sys.executable, "-c", HARD, str(tmp_path)],
        env={**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "clean\n", done.stderr[-4000:]
