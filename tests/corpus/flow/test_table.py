import itertools

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import (
    GROUP_ROWS,
    count_rows,
    read_batches,
    write_documents,
)

RICH = Document(
    "a/b.txt:0000001",
    "Grüße\0\n",
    "web",
    {"url": "https://x.org/", "licence": "CC0-1.0", "language": "de", "n": [1, None]},
)


def read_all(path):
    return [document for batch in read_batches(path) for document in batch.documents()]


def test_documents_come_back_as_they_were(tmp_path):
    documents = [RICH, Document("b", "", "web"), Document("c", "x", "own")]
    assert write_documents(tmp_path / "x.parquet", documents) == 3
    assert read_all(tmp_path / "x.parquet") == documents
    assert count_rows(tmp_path / "x.parquet") == 3


def test_no_documents_are_a_file_too(tmp_path):
    write_documents(tmp_path / "x.parquet", [])
    assert read_all(tmp_path / "x.parquet") == []


def test_equal_documents_give_equal_bytes_and_groups_stay_small(tmp_path):
    documents = [Document(str(n), "x" * (n % 7), "s") for n in range(GROUP_ROWS + 5)]
    for name in "ab":
        write_documents(tmp_path / name, iter(documents))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    batches = list(read_batches(tmp_path / "a", ("id",)))
    assert [len(batch) for batch in batches] == [GROUP_ROWS, 5]
    assert np.concatenate([b.rows for b in batches]).tolist() == [
        *range(GROUP_ROWS + 5)
    ]


def test_texts_can_be_seen_as_bytes_without_a_copy(tmp_path):
    texts = ["äb", "", "c\n"]
    write_documents(tmp_path / "x", [Document(t, t, "s") for t in texts])
    (batch,) = read_batches(tmp_path / "x")
    data, ends = batch.utf8()
    pieces = [data[a:b].tobytes() for a, b in itertools.pairwise(ends)]
    assert [piece.decode() for piece in pieces] == texts


def test_a_truncated_file_is_refused_in_one_line(tmp_path):
    write_documents(tmp_path / "x", [RICH])
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[:-20])
    with pytest.raises(UserError, match="cannot be read") as caught:
        read_all(tmp_path / "x")
    assert "\n" not in str(caught.value)
