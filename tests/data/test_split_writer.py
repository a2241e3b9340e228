"""Laws of writing one split."""

import numpy as np
import pytest

from scratchlm.data.encoding import encode_documents
from scratchlm.data.shard import map_items, read_header
from scratchlm.data.split_writer import SplitWriter
from scratchlm.data.unfinished import Reached


def build(directory, tokenizer, chunks, shard_tokens, reached=None):
    """Write the chunks from `reached` on; all that was reached on the way."""
    seen = []
    writer = SplitWriter(
        directory,
        "s",
        shard_tokens,
        tokenizer,
        reached or Reached(),
        lambda at: seen.append((at, contents(directory))),
    )
    for texts in chunks[writer.chunk :]:
        writer.add(encode_documents(tokenizer, texts))
    return writer.finish(), seen


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.glob("s_*"))}


def without_ends(found):
    return {name: data for name, data in found.items() if not name.endswith(".ends")}


def cut(texts, size):
    return [texts[at : at + size] for at in range(0, len(texts), size)]


@pytest.fixture
def texts(documents):
    return documents["train"][:12]


@pytest.mark.parametrize("shard_tokens", [40, 100, 1 << 20])
@pytest.mark.parametrize("size", [1, 3])
def test_how_texts_come_in_chunks_changes_no_byte(
    size, shard_tokens, texts, tokenizer, tmp_path
):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, _ = build(tmp_path / "a", tokenizer, [texts], shard_tokens)
    many, _ = build(tmp_path / "b", tokenizer, cut(texts, size), shard_tokens)
    assert one == many
    found = [without_ends(contents(tmp_path / name)) for name in "ab"]
    assert found[0] == found[1]


@pytest.mark.parametrize("shard_tokens", [60, 300])
def test_from_any_shard_on_the_rest_comes_out_the_same(
    shard_tokens, texts, tokenizer, tmp_path
):
    chunks = cut(texts, 4)
    index, seen = build(tmp_path, tokenizer, chunks, shard_tokens)
    expected = without_ends(contents(tmp_path))
    assert len(seen) == len(index.files) - (index.n_tokens % shard_tokens > 0)
    for at, files in seen:
        for path in tmp_path.glob("s_*"):
            path.unlink()
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        again, _ = build(tmp_path, tokenizer, chunks, shard_tokens, at)
        assert again == index
        assert without_ends(contents(tmp_path)) == expected


def test_the_file_of_documents_begins_with_zero_and_ends_with_all(
    texts, tokenizer, tmp_path
):
    index, _ = build(tmp_path, tokenizer, cut(texts, 2), 40)
    path = tmp_path / index.documents
    offsets = map_items(path, read_header(path, "documents"))
    assert offsets[0] == 0
    assert offsets[-1] == index.n_tokens
    assert (np.diff(offsets) > 0).all()
    assert len(offsets) == index.n_documents + 1 == len(texts) + 1
