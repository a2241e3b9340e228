"""Laws of the file of counts."""

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import WordCounts
from scratchlm.tokenizer.counts_file import CountArrays, read_counts


@pytest.fixture
def saved(tmp_path, texts):
    """Counts, and the file that they were saved to."""
    counts = WordCounts()
    counts.add_texts(texts)
    counts.save(tmp_path / "counts")
    return counts, tmp_path / "counts"


def test_what_is_read_is_what_was_written(saved):
    counts, path = saved
    again = WordCounts.load(path)
    assert list(again.items()) == list(counts.items())
    assert (again.pattern, again.n_bytes) == (counts.pattern, counts.n_bytes)
    assert again.n_pieces == counts.n_pieces


def test_equal_counts_are_equal_files(saved, texts, tmp_path):
    _, path = saved
    other = WordCounts(threads=3)
    other.add_texts(reversed(texts))
    other.save(tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == path.read_bytes()
    WordCounts.load(path).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_no_counts_are_a_file_too(tmp_path):
    WordCounts().save(tmp_path / "empty")
    assert WordCounts.load(tmp_path / "empty").n_pieces == 0


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, keep):
    _, path = saved
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UserError, match=r"cut off|damaged|no file of counts"):
        WordCounts.load(path)


def test_an_edited_file_is_refused(saved):
    _, path = saved
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="checksum"):
        WordCounts.load(path)


def test_a_foreign_or_missing_file_is_refused(tmp_path):
    (tmp_path / "foreign").write_bytes(b"PK" * 100)
    with pytest.raises(UserError, match="no file of counts"):
        read_counts(tmp_path / "foreign")
    with pytest.raises(UserError, match="cannot be read"):
        read_counts(tmp_path / "missing")


def test_items_are_whole_also_where_there_are_many():
    items = [(b"%08d" % i, i + 1) for i in range(150_000)]
    assert list(CountArrays.from_items(items).items()) == items


def test_a_weight_rounds_and_never_loses_a_piece():
    arrays = CountArrays.from_items([(b"a", 1), (b"b", 10)]).times(0.25)
    assert arrays.counts.tolist() == [1, 2]


def test_a_count_beyond_64_bits_is_refused():
    with pytest.raises(UserError, match="64 bits"):
        CountArrays.from_items([(b"a", 1 << 63)])
    with pytest.raises(UserError, match="64 bits"):
        CountArrays.from_items([(b"a", 1 << 62)]).times(2)


def test_offsets_are_the_borders_of_the_pieces():
    arrays = CountArrays.from_items([(b"a", 1), (b"bcd", 1)])
    assert np.array_equal(arrays.offsets, [0, 1, 4])
