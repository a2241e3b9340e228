import bz2
import csv
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.item_files import find_item_files, read_items

CONFIG = DecontaminateConfig()
ROWS = [{"question": f"Who, {n}?", "answer": f"née {n}"} for n in range(3)]


def as_jsonl():
    return "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def as_csv(separator=","):
    file = io.StringIO()
    writer = csv.DictWriter(file, ["question", "answer"], delimiter=separator)
    writer.writeheader()
    writer.writerows(ROWS)
    return file.getvalue().encode("utf-8-sig")


def as_parquet():
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    return file.getvalue()


def as_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as archive:
        entry = tarfile.TarInfo("folder/quiz.csv")
        entry.size = len(as_csv())
        archive.addfile(entry, io.BytesIO(as_csv()))
        archive.addfile(tarfile.TarInfo("folder/README.md"))
    return file.getvalue()


def as_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("quiz.jsonl", as_jsonl())
    return file.getvalue()


FILES = {
    "quiz.jsonl": as_jsonl(),
    "quiz.json": json.dumps({"canary": "x", "examples": ROWS}).encode(),
    "quiz.csv": as_csv(),
    "quiz.tsv": as_csv("\t"),
    "quiz.parquet": as_parquet(),
    "quiz.jsonl.gz": gzip.compress(as_jsonl()),
    "quiz.jsonl.bz2": bz2.compress(as_jsonl()),
    "quiz.csv.xz": lzma.compress(as_csv()),
    "quiz.json.zst": zstandard.compress(json.dumps(ROWS).encode()),
    "quizzes.tar.xz": as_tar(),
    "quizzes.zip": as_zip(),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_items(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    items = read_items(name, path, CONFIG)
    assert [i.prompts[0] for i in items] == [row["question"] for row in ROWS]
    assert [i.answers[0] for i in items] == [row["answer"] for row in ROWS]
    assert {i.task for i in items} <= {"quiz", "folder/quiz"}


def test_plain_text_is_a_paragraph_an_item_or_a_line(tmp_path):
    path = tmp_path / "items.txt"
    path.write_text("one\ntwo\n\nthree\n")
    prompts = [item.prompts[0] for item in read_items("items.txt", path, CONFIG)]
    assert prompts == ["one\ntwo", "three"]
    path.write_text("one\ntwo\n")
    prompts = [item.prompts[0] for item in read_items("items.txt", path, CONFIG)]
    assert prompts == ["one", "two"]


def test_files_of_a_folder_are_named_below_it_in_sorted_order(tmp_path):
    for name in ("b.jsonl", "a/c.csv", ".hidden.jsonl", "README.md"):
        (tmp_path / "eval" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "eval" / name).write_text("x")
    found = find_item_files((str(tmp_path / "eval"),))
    assert [name for name, _ in found] == ["a/c.csv", "b.jsonl"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("quiz.jsonl", b'{"question": "who', "line 1 is not JSON"),
        ("quiz.jsonl.xz", lzma.compress(as_jsonl())[:-20], "truncated"),
        ("quiz.parquet", as_parquet()[:-30], "cannot be read"),
        ("quiz.jsonl", b'{"a": "b"}\n', "holds no evaluation item"),
        ("quiz.zip", b"PK\x03\x04", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_looked_for_stops_the_build(name, data, reason, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UserError, match=reason):
        read_items(name, path, CONFIG)


def test_what_is_not_there_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        find_item_files((str(tmp_path / "nowhere"),))
    with pytest.raises(UserError, match="holds no evaluation file"):
        find_item_files((str(tmp_path),))


def test_all_shared_evaluation_files_have_items():
    shared = os.environ.get("SCRATCHLM_SHARED")
    if not shared:
        pytest.skip("SCRATCHLM_SHARED is not set")
    found = find_item_files((str(Path(shared) / "data" / "eval"),))
    small = [(name, path) for name, path in found if path.stat().st_size < 20_000]
    assert len(small) > 15
    for name, path in small:
        items = read_items(name, path, CONFIG)
        assert len(items) >= 50, name
        assert all(item.prompts and item.answers for item in items), name
