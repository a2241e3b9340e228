import os
import random
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.config import FetchConfig, SourceConfig
from scratchlm.corpus.sources.plan import plan_inputs

CUT = 2**16


def source(*paths, name="text", **settings):
    return SourceConfig(name=name, paths=tuple(map(str, paths)), **settings)


def plan(*sources, cache, receipt=None):
    return plan_inputs(
        sources, ReadConfig(), cache, receipt or Receipt(), shard_bytes=CUT
    )


def fingerprints(shards):
    return {shard.fingerprint for shard in shards}


def write_many(folder, count, seed=0):
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = list(range(0, 2 * count, 2))
    draw.shuffle(numbers)  # the order in which the disk gets them
    for number in numbers:
        content = f"file {number}\n" * (number % 200)
        (folder / f"{number:05d}.txt").write_text(content)


def test_the_order_of_the_disk_and_the_place_change_nothing(tmp_path):
    for place, seed in (("here", 1), ("there", 2)):
        write_many(tmp_path / place / "corpus", 300, seed)
    here, there = (
        plan(source(tmp_path / place / "corpus"), cache=tmp_path / place)
        for place in ("here", "there")
    )
    assert [shard.fingerprint for shard in here] == [s.fingerprint for s in there]
    assert len(here) > 3
    names = [piece.name for shard in here for piece in shard.pieces]
    assert len(names) == 300 == len(set(names))


def test_adding_a_file_changes_one_shard(tmp_path):
    write_many(tmp_path / "corpus", 300)
    before = plan(source(tmp_path / "corpus"), cache=tmp_path)
    assert len(before) > 3
    for number in (1, 301, 599):
        added = tmp_path / f"corpus/{number:05d}.txt"
        added.write_text("one more\n")
        after = plan(source(tmp_path / "corpus"), cache=tmp_path)
        assert len(fingerprints(before) - fingerprints(after)) == 1
        added.unlink()
    big = tmp_path / "corpus/00001.jsonl"
    big.write_text('{"text": "x"}\n' * 20_000)
    after = plan(source(tmp_path / "corpus"), cache=tmp_path)
    assert fingerprints(before) < fingerprints(after)


def test_changing_a_file_changes_one_shard_though_its_length_stays(tmp_path):
    write_many(tmp_path / "corpus", 300)
    before = plan(source(tmp_path / "corpus"), cache=tmp_path)
    changed = tmp_path / "corpus/00100.txt"
    changed.write_text(changed.read_text().replace("file", "life"))
    after = plan(source(tmp_path / "corpus"), cache=tmp_path)
    assert len(fingerprints(before) - fingerprints(after)) == 1
    assert len(before) == len(after)


def test_large_files_are_cut_and_the_parts_cover_them(tmp_path):
    lines = "".join(f'{{"text": "line {number}"}}\n' for number in range(20_000))
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "b.txt").write_text(lines)
    (tmp_path / "c.html").write_text(lines)
    shards = plan(source(*(tmp_path / name for name in FILES)), cache=tmp_path)
    by_name = {}
    for shard in shards:
        (piece,) = shard.pieces
        by_name.setdefault(piece.name.partition("#")[0], []).append(piece)
    assert list(by_name) == list(FILES)
    for name in ("a.jsonl", "b.txt"):
        pieces = by_name[name]
        assert len(pieces) == len(lines) // CUT + 1
        assert [piece.begin for piece in pieces] == [0, *(p.end for p in pieces[:-1])]
        assert pieces[-1].end == len(lines)
    assert by_name["a.jsonl"][1].first_row == lines[
        : by_name["a.jsonl"][1].begin
    ].count("\n")
    (whole,) = by_name["c.html"]
    assert (whole.kind, whole.n_bytes) == ("file", len(lines))


FILES = ("a.jsonl", "b.txt", "c.html")


def test_a_large_parquet_file_is_cut_between_row_groups(tmp_path):
    draw = random.Random(0)
    rows = [draw.randbytes(400).hex() for _ in range(400)]
    pq.write_table(pa.table({"text": rows}), tmp_path / "a.parquet", row_group_size=50)
    pieces = [
        shard.pieces[0]
        for shard in plan(source(tmp_path / "a.parquet"), cache=tmp_path)
    ]
    assert [piece.kind for piece in pieces] == ["row_groups"] * len(pieces)
    assert [piece.begin for piece in pieces] == [0, *(p.end for p in pieces[:-1])]
    assert pieces[-1].end == 8 and len(pieces) > 2
    assert pieces[1].first_row == 50 * pieces[1].begin


def test_sources_come_by_priority_then_as_they_were_named(tmp_path):
    for name in ("one", "two", "three"):
        write_many(tmp_path / name, 2)
    shards = plan(
        source(tmp_path / "one", name="one"),
        source(tmp_path / "two", name="two", priority=2),
        source(tmp_path / "three", name="three"),
        cache=tmp_path,
    )
    assert [shard.source for shard in shards] == ["two", "one", "three"]
    assert {piece.source for piece in shards[0].pieces} == {"two"}


def test_what_was_hashed_is_not_read_again(tmp_path):
    write_many(tmp_path / "corpus", 20)
    for path in (tmp_path / "corpus").iterdir():
        os.utime(path, (1e9, 1e9))
    before = plan(source(tmp_path / "corpus"), cache=tmp_path)
    status = (tmp_path / "corpus/00010.txt").stat()
    (tmp_path / "corpus/00010.txt").write_text("X" * status.st_size)
    os.utime(tmp_path / "corpus/00010.txt", (1e9, 1e9))  # as if untouched
    assert plan(source(tmp_path / "corpus"), cache=tmp_path) == before
    assert plan(source(tmp_path / "corpus"), cache=tmp_path / "other") != before


def test_a_store_a_list_and_the_library_are_sources_like_any_other(tmp_path, site):
    with fsspec.open("memory://plan/a.jsonl", "wb") as stream:
        stream.write(b'{"text": "x"}\n' * 10_000)
    (tmp_path / "list").write_text(site.add("/a", "<p>text</p>"))
    paths = ("memory://plan", f"urls:{tmp_path / 'list'}", "stdlib")
    mixed = source(*paths, fetch=FetchConfig(delay_s=0.0))
    shards = plan(mixed, cache=tmp_path)
    names = sorted({piece.name for shard in shards for piece in shard.pieces})
    assert names == [site.url + "/a", "plan/a.jsonl", "stdlib"]
    assert len(shards) == 5  # 140 kB in three, the page, the library
    site.server.shutdown()
    assert plan(mixed, cache=tmp_path) == shards  # without the network


def test_no_path_of_this_machine_is_in_a_name_or_on_the_receipt(tmp_path):
    write_many(tmp_path / "corpus", 3)
    (tmp_path / "corpus/.hidden").write_text("x")
    receipt = Receipt()
    shards = plan(source(tmp_path / "corpus"), cache=tmp_path, receipt=receipt)
    said = str(receipt.to_json()) + str(
        [piece.identity() for shard in shards for piece in shard.pieces]
    )
    assert "corpus/.hidden" in said and str(tmp_path) not in said


def test_an_empty_source_is_one_line_that_says_why(tmp_path):
    (tmp_path / "corpus").mkdir()
    with pytest.raises(UserError, match="source 'text' holds nothing to read; check"):
        plan(source(tmp_path / "corpus"), cache=tmp_path)
    (tmp_path / "corpus/.hidden").write_text("x")
    with pytest.raises(UserError, match=r"nothing to read \(1 × hidden \(files\)\)"):
        plan(source(tmp_path / "corpus"), cache=tmp_path)
    with pytest.raises(UserError, match="source 'text' has no paths"):
        plan(source(), cache=tmp_path)
    with pytest.raises(UserError, match="two sources are called 'text'"):
        plan(source("stdlib"), source("stdlib"), cache=tmp_path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_an_unreadable_file_is_counted_and_the_rest_goes_on(tmp_path):
    write_many(tmp_path / "corpus", 3)
    (tmp_path / "corpus/bad.txt").symlink_to("/proc/self/mem")  # opens, reads never
    receipt = Receipt()
    (shard,) = plan(source(tmp_path / "corpus"), cache=tmp_path, receipt=receipt)
    assert len(shard.pieces) == 3
    drop = receipt.step("files").dropped["unreadable: Input/output error"]
    assert drop.count == 1 and drop.failed
