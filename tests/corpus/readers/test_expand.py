import bz2
import gzip
import lzma

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers import expand as module
from scratchlm.corpus.readers.expand import Limits, expand, is_compressed

LIMITS = Limits(max_bytes=2**26, max_expansion=200)
FORMATS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}
PACKERS = pytest.mark.parametrize("pack", FORMATS.values(), ids=FORMATS)


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=3000), st.sampled_from(sorted(FORMATS)))
def test_what_was_packed_comes_back(data, name):
    packed = FORMATS[name](data)
    assert is_compressed(packed)
    assert expand(packed, LIMITS) == data


@PACKERS
def test_several_streams_in_one_file_are_joined(pack):
    assert expand(pack(b"first ") + pack(b"second"), LIMITS) == b"first second"


@PACKERS
def test_a_truncated_file_is_an_error_and_never_a_shorter_text(pack):
    packed = pack(bytes(range(256)) * 500)
    for length in (len(packed) - 1, len(packed) // 2, 20):
        with pytest.raises(UnreadableError, match="truncated or damaged"):
            expand(packed[:length], LIMITS)


@PACKERS
def test_a_bomb_is_stopped_by_its_ratio(pack, monkeypatch):
    monkeypatch.setattr(module, "RATIO_FLOOR_BYTES", 2**18)
    with pytest.raises(UnreadableError, match="200 times its size: a bomb"):
        expand(pack(bytes(2**20)), LIMITS)


@PACKERS
def test_output_is_limited_in_bytes_whatever_the_ratio(pack):
    with pytest.raises(UnreadableError, match="more than 1000 bytes"):
        expand(pack(b"some text " * 200), Limits(1000, 1e9))


def test_a_small_file_may_be_as_repetitive_as_it_likes():
    data = b"all work and no play\n" * 50_000
    packed = lzma.compress(data)
    assert len(data) > LIMITS.max_expansion * len(packed)
    assert expand(packed, LIMITS) == data


def test_what_is_not_compressed_is_returned():
    assert expand(b"plain", LIMITS) == b"plain"
    assert not is_compressed(b"plain")
