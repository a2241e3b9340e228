"""Laws of where texts come from."""

import random

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import write_documents
from scratchlm.data import texts as module
from scratchlm.data.texts import ParquetTexts, PlainTexts, as_texts


def write(path, texts):
    write_documents(path, [Document(f"{i:07d}", t, "s") for i, t in enumerate(texts)])
    return path


@pytest.fixture
def shards(tmp_path, monkeypatch):
    """Three shards, the second empty, with many small row groups."""
    monkeypatch.setattr("scratchlm.corpus.flow.table.GROUP_ROWS", 4)
    draw = random.Random(0)
    words = ["one", "zwei", "три", "🎉", "\n", ""]
    texts = [" ".join(draw.choices(words, k=draw.randrange(9))) for _ in range(30)]
    split = [texts[:18], [], texts[18:]]
    paths = [write(tmp_path / f"{i}.parquet", part) for i, part in enumerate(split)]
    return paths, texts


def test_parquet_shards_give_their_texts_in_order(shards):
    paths, texts = shards
    source = ParquetTexts(paths)
    assert list(source) == texts
    assert source.n_chunks == len(list(source.chunks())) > 6


def test_chunks_go_on_where_they_are_told(shards):
    paths, texts = shards
    plain = PlainTexts(texts * 1000)
    for source in (ParquetTexts(paths), plain):
        chunks = [load() for load in source.chunks()]
        texts = [t if isinstance(t, str) else t.decode() for c in chunks for t in c]
        assert texts == list(source)
        for start in range(len(chunks) + 1):
            assert [load() for load in source.chunks(start)] == chunks[start:]
    assert len(chunks) == -(-30_000 // module.CHUNK_TEXTS)


def test_a_large_text_is_a_chunk_of_its_own_with_what_came_before(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_CHARS", 10)
    chunks = [load() for load in PlainTexts(["a", "b" * 50, "c", "d" * 9]).chunks()]
    assert chunks == [["a", "b" * 50], ["c", "d" * 9]]


def test_the_fingerprint_is_that_of_the_content_not_of_names_or_places(
    shards, tmp_path
):
    paths, texts = shards
    source = ParquetTexts(paths)
    moved = tmp_path / "elsewhere.parquet"
    moved.write_bytes(paths[2].read_bytes())
    assert ParquetTexts([*paths[:2], moved]).fingerprint == source.fingerprint
    assert ParquetTexts(paths[::-1]).fingerprint != source.fingerprint
    assert ParquetTexts(paths, column="id").fingerprint != source.fingerprint
    write(moved, [*texts[18:-1], "other"])
    assert ParquetTexts([*paths[:2], moved]).fingerprint != source.fingerprint


def test_a_fingerprint_that_is_known_is_not_worked_out_again(shards, tmp_path):
    paths, _ = shards
    first = ParquetTexts(paths, fingerprint="known").fingerprint
    assert first == ParquetTexts([tmp_path / "gone"], fingerprint="known").fingerprint
    assert first != ParquetTexts(paths, fingerprint="other").fingerprint


def test_an_iterable_has_a_fingerprint_only_if_told():
    assert PlainTexts(["a"]).fingerprint is None
    assert PlainTexts(["a"], "x").fingerprint == "x"
    assert as_texts(["a"]).fingerprint is None
    source = PlainTexts(["a"], "x")
    assert as_texts(source) is source


def test_a_shard_that_cannot_be_read_is_named(shards, tmp_path):
    paths, _ = shards
    with pytest.raises(UserError, match="text2"):
        list(ParquetTexts(paths, column="text2"))
    data = paths[0].read_bytes()
    paths[0].write_bytes(data[:-20])
    missing = tmp_path / "missing.parquet"
    for path in (paths[0], missing):
        with pytest.raises(UserError, match=f"{path.name} cannot be read"):
            list(ParquetTexts([path]))
    with pytest.raises(UserError, match=r"missing\.parquet cannot be read"):
        ParquetTexts([missing]).fingerprint  # noqa: B018
