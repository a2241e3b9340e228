import bz2
import gzip
import io
import lzma

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers import expand as module
from scratchlm.corpus.readers.expand import (
    DAMAGED,
    Limits,
    StreamError,
    is_compressed,
    open_expanded,
)

LIMITS = Limits(max_bytes=2**26, max_expansion=200)
FORMATS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=1),
    "zst": zstandard.compress,
}
PACKERS = pytest.mark.parametrize("pack", FORMATS.values(), ids=FORMATS)


def expand(packed: bytes, limits: Limits = LIMITS) -> tuple[bytes, str]:
    """All that comes out, and what the trouble was."""
    stream, account = open_expanded(io.BytesIO(packed), limits)
    data = stream.read()
    assert account.n_bytes == len(data)
    return data, account.trouble


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=3000), st.sampled_from(sorted(FORMATS)))
def test_what_was_packed_comes_back(data, name):
    packed = FORMATS[name](data)
    assert is_compressed(packed)
    assert expand(packed) == (data, "")


@PACKERS
def test_several_streams_in_one_file_are_joined_and_padding_is_not_damage(pack):
    packed = pack(b"first ") + pack(b"second") + bytes(1000)
    assert expand(packed) == (b"first second", "")


@PACKERS
def test_of_a_truncated_file_comes_what_there_is_and_the_trouble_is_told(pack):
    data = b"".join(b"line %d of many\n" % n for n in range(120_000))
    packed = pack(data)
    for length in (len(packed) - 1, len(packed) // 2, 20):
        found, trouble = expand(packed[:length])
        assert trouble == DAMAGED
        assert data.startswith(found)
        assert length < 100 or len(found) > 50_000


def test_after_a_damaged_member_of_a_gzip_file_the_next_members_are_read():
    lines = [b"".join(b"%d: line %d\n" % (n, i) for i in range(9000)) for n in range(3)]
    packed = [gzip.compress(data) for data in lines]
    middle = bytearray(packed[1])
    middle[len(middle) // 2 : len(middle) // 2 + 40] = bytes(40)
    found, trouble = expand(packed[0] + bytes(middle) + packed[2])
    assert trouble == DAMAGED
    assert found.startswith(lines[0] + lines[1][:40_000])
    assert found.endswith(lines[2])


@PACKERS
def test_garbage_after_the_end_is_told_and_costs_nothing(pack):
    assert expand(pack(b"text") + b"no stream at all" * 9) == (b"text", DAMAGED)


@PACKERS
def test_a_bomb_is_stopped_by_its_ratio(pack, monkeypatch):
    monkeypatch.setattr(module, "RATIO_FLOOR_BYTES", 2**18)
    with pytest.raises(UnreadableError, match="200 times its size: a bomb"):
        expand(pack(bytes(2**22)))


@PACKERS
def test_output_is_limited_in_bytes_whatever_the_ratio(pack):
    with pytest.raises(UnreadableError, match="more than 1000 bytes"):
        expand(pack(b"some text " * 200), Limits(1000, 1e9))


def test_a_small_file_may_be_as_repetitive_as_it_likes():
    data = b"all work and no play\n" * 50_000
    packed = lzma.compress(data)
    assert len(data) > LIMITS.max_expansion * len(packed)
    assert expand(packed) == (data, "")


def test_what_is_not_compressed_is_passed_on():
    assert expand(b"plain") == (b"plain", "")
    assert expand(b"") == (b"", "")
    assert not is_compressed(b"plain")


def test_a_stream_that_gives_a_byte_at_a_time_is_read_to_its_end():
    class Slow(io.BytesIO):
        def read(self, n=-1):
            return super().read(min(1, n))

    stream, _ = open_expanded(Slow(gzip.compress(b"slow")), LIMITS)
    assert stream.read() == b"slow"


def test_a_disk_that_fails_is_not_taken_for_damaged_compression(tmp_path):
    class Failing(io.BytesIO):
        def read(self, n=-1):
            if self.tell() > 2000:
                raise OSError(5, "Input/output error")
            return super().read(1000)

    stream, _ = open_expanded(Failing(lzma.compress(bytes(9)) * 100), LIMITS)
    with pytest.raises(StreamError, match="Input/output error"):
        stream.read()
