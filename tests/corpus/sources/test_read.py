import json
import sys

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.source_stdlib import collect_stdlib
from scratchlm.corpus.sources.config import FetchConfig, SourceConfig
from scratchlm.corpus.sources.piece import InputShard
from scratchlm.corpus.sources.plan import plan_inputs
from scratchlm.corpus.sources.read import read_shard, with_defaults
from scratchlm.corpus.sources.stdlib import stdlib_piece

WHOLE = 2**30
READ = ReadConfig()


def read_all(source, cache, shard_bytes=WHOLE, receipt=None):
    receipt = receipt or Receipt()
    shards = plan_inputs([source], READ, cache, receipt, shard_bytes=shard_bytes)
    return [
        document
        for shard in shards
        for document in read_shard(shard, source, READ, receipt, cache)
    ], len(shards)


def make_source(*paths, **settings):
    return SourceConfig(name="text", paths=tuple(map(str, paths)), **settings)


def write_rows(path, count=500):
    lines = [json.dumps({"text": f"row {number} " * 9}) for number in range(count)]
    lines[count // 2] = "no json"
    lines[count // 3] = ""
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("cut", [700, 5000, 40_000])
def test_a_cut_file_of_rows_gives_the_documents_of_the_whole(tmp_path, cut):
    write_rows(tmp_path / "rows.jsonl")
    source = make_source(tmp_path / "rows.jsonl")
    whole, parts = Receipt(), Receipt()
    expected, _ = read_all(source, tmp_path, receipt=whole)
    found, n_shards = read_all(source, tmp_path, cut, parts)
    assert n_shards > 1 and found == expected and len(found) == 498
    assert found[-1].id == "rows.jsonl:0000500"
    assert parts.step("records").to_json() == whole.step("records").to_json()
    assert parts.step("files").kept == 1


def test_a_cut_text_gives_all_of_its_bytes_as_documents_at_line_ends(tmp_path):
    text = "".join(f"line {number} käse\n" for number in range(3000))
    (tmp_path / "book.txt").write_text(text)
    found, n_shards = read_all(make_source(tmp_path / "book.txt"), tmp_path, 10_000)
    assert n_shards > 3 and "".join(document.text for document in found) == text
    assert [document.id for document in found][:2] == [
        "book.txt#00001",
        "book.txt#00002",
    ]
    assert all(document.text.endswith("\n") for document in found)


def test_a_cut_parquet_file_gives_the_documents_of_the_whole(tmp_path):
    rows = pa.table({"text": [f"row {number} " * 20 for number in range(300)]})
    pq.write_table(
        rows, tmp_path / "a.parquet", row_group_size=20, use_dictionary=False
    )
    source = make_source(tmp_path / "a.parquet")
    expected, _ = read_all(source, tmp_path)
    found, n_shards = read_all(source, tmp_path, 2000)
    assert n_shards > 1 and found == expected and len(found) == 300
    assert found[-1].id == "a.parquet:0000300"


class Tagged(fsspec.get_filesystem_class("memory")):
    """A store that knows its files' hashes, so that nobody reads them to plan."""

    protocol = ("tagged",)

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("tagged://", "memory://"))

    def find(self, path, **settings):
        found = super().find(path, **settings)
        return {name: {**info, "ETag": "v1"} for name, info in found.items()}


def test_remote_rows_that_nobody_counted_are_all_read_once(tmp_path):
    fsspec.register_implementation("tagged", Tagged, clobber=True)
    write_rows(tmp_path / "rows.jsonl")
    content = (tmp_path / "rows.jsonl").read_bytes()
    fsspec.filesystem("tagged").pipe_file("/set/rows.jsonl", content)
    expected, _ = read_all(make_source(tmp_path / "rows.jsonl"), tmp_path)
    for cut in (701, 5000, 40_000):
        found, n_shards = read_all(make_source("tagged://set"), tmp_path, cut)
        assert n_shards > 1
        assert [document.text for document in found] == [d.text for d in expected]
        assert len({document.id for document in found}) == 498
        assert found[0].id == "set/rows.jsonl@0:0000001"


def test_the_source_fills_in_what_documents_do_not_say():
    source = make_source("x", licence="MIT", language="de")
    told = with_defaults(Document("a", "text", "", {"licence": "CC0-1.0"}), source)
    assert told == Document(
        "a", "text", "text", {"licence": "CC0-1.0", "language": "de"}
    )
    complete = Document("a", "text", "text", {"licence": "X", "language": "en"})
    assert with_defaults(complete, source) is complete


def test_fetched_pages_are_read_as_what_they_are_sent_as(tmp_path, site):
    words = " ".join(f"word{number}" for number in range(80))
    body = f"<html><body><article><p>{words}.</p></article></body></html>"
    urls = [site.add("/page", body), site.redirect("/old", "/text")]
    site.add("/text", "plain <b>text</b>", Content_Type="text/plain")
    (tmp_path / "list").write_text("\n".join(urls))
    source = make_source(f"urls:{tmp_path / 'list'}", fetch=FetchConfig(delay_s=0.0))
    text, page = read_all(source, tmp_path)[0]
    assert (text.id, page.id) == (urls[1], urls[0])
    assert text.metadata["url"] == site.url + "/text"
    assert text.text == "plain <b>text</b>" and "<p>" not in page.text
    assert "word79" in page.text and page.metadata["kind"] == "html"


def test_the_standard_library_is_read_under_its_sources_name(tmp_path):
    for number, name in enumerate(sorted(sys.stdlib_module_names)[:60]):
        (tmp_path / f"{name}.py").write_text(f"def function_{number}(): pass\n")
    source = make_source("stdlib", language="en")
    shard = InputShard("text", (stdlib_piece("text", tmp_path),))
    found = list(read_shard(shard, source, READ, Receipt()))
    expected = collect_stdlib(Receipt(), tmp_path)
    assert [(d.id, d.text) for d in found] == [(d.id, d.text) for d in expected]
    assert {document.source for document in found} == {"text"}
    assert found[0].metadata["licence"] == "PSF-2.0"
    assert found[0].metadata["language"] == "en"


def test_a_file_that_went_after_the_plan_is_counted_and_a_changed_one_refused(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"text of {name}")
    source, receipt = make_source(tmp_path / "a.txt", tmp_path / "b.txt"), Receipt()
    (shard,) = plan_inputs([source], READ, tmp_path, receipt)
    (tmp_path / "a.txt").unlink()
    (document,) = read_shard(shard, source, READ, receipt)
    assert document.id == "b.txt"
    drop = receipt.step("files").dropped["unreadable: No such file or directory"]
    assert drop.examples == ["a.txt"] and drop.failed
    (tmp_path / "b.txt").write_text("longer than it was")
    with pytest.raises(UserError, match=r"b\.txt has changed"):
        list(read_shard(shard, source, READ, receipt))
