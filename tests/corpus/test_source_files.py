import bz2
import gzip
import io
import json
import lzma
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.source_files import collect_files


@pytest.fixture
def folder(tmp_path: Path, prose) -> Path:
    """What a person's folder may hold: every kind of text, every kind of trouble."""
    root = tmp_path / "mine"
    (root / "sub").mkdir(parents=True)
    text = {n: prose(n, 60) for n in range(20)}
    lines = "".join(json.dumps({"text": text[n]}) + "\n" for n in (5, 6))
    table = pa.table({"id": [1, 2], "text": [text[9], text[10]]})
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("in/a.txt", text[11])
        archive.writestr("in/b.jsonl.gz", gzip.compress(lines.encode()))
        archive.writestr("inner.zip", b"PK\x03\x04")
    files: dict[str, bytes] = {
        "a.txt": text[0].encode(),
        "b.md": f"# Title\n\n{text[1]}".encode("utf-16"),
        "sub/c.txt": text[2].encode("utf-16-be"),
        "d.html": f"<html><body><p>{text[3]}</p></body></html>".encode(),
        "e.json": json.dumps([{"text": text[4], "licence": "CC0"}]).encode(),
        "f.jsonl": lines.encode() + b'{"text": \n',
        "g.csv": f'id,text\n1,"{text[7]}"\n2,"{text[8]}"\n'.encode(),
        "i.zip": zipped.getvalue(),
        "k.txt.gz": gzip.compress(text[12].encode()),
        "l.txt.xz": lzma.compress(text[13].encode()),
        "m.txt.zst": zstandard.compress(text[14].encode()),
        "n.py": b"def f(x):\n    return x\n" * 10,
        "x_binary.txt": os.urandom(3000),
        "x_bomb.txt.gz": gzip.compress(bytes(2**25)),
        "x_cut.txt.gz": gzip.compress(text[15].encode())[:-9],
        "x_cut.parquet": b"PAR1 and nothing more",
        "x_empty.txt": b"",
        "x_picture.png": b"\x89PNG\r\n\x1a\n",
        "x_bad.json": b"{",
        "x_many.txt.bz2": bz2.compress(bytes(2**16)),
    }
    for name, data in files.items():
        (root / name).write_bytes(data)
    pq.write_table(table, root / "h.parquet")
    (root / "x_loop").symlink_to(root)
    return root


EXPECTED = {
    "a.txt": 0,
    "b.md": 1,
    "d.html": 3,
    "e.json:0000001": 4,
    "f.jsonl:0000001": 5,
    "f.jsonl:0000002": 6,
    "g.csv:0000001": 7,
    "g.csv:0000002": 8,
    "h.parquet:0000001": 9,
    "h.parquet:0000002": 10,
    "i.zip!/in/a.txt": 11,
    "i.zip!/in/b.jsonl.gz:0000001": 5,
    "i.zip!/in/b.jsonl.gz:0000002": 6,
    "k.txt.gz": 12,
    "l.txt.xz": 13,
    "m.txt.zst": 14,
    "sub/c.txt": 2,
}


def collect(*paths: Path, **options):
    receipt = Receipt()
    config = CorpusConfig(source="files", paths=tuple(map(str, paths)), **options)
    return list(collect_files(config, receipt)), receipt


def test_every_kind_of_file_gives_its_texts_and_every_trouble_is_named(folder, prose):
    documents, receipt = collect(folder)
    found = {document.id.removeprefix("mine/"): document for document in documents}
    assert list(found) == sorted(found, key=lambda name: name.partition(":")[0])
    assert set(found) - {"n.py", "x_cut.txt.gz"} == set(EXPECTED)
    assert prose(15, 60).startswith(found["x_cut.txt.gz"].text)
    for name, number in EXPECTED.items():
        words = prose(number, 60).split()
        assert found[name].text.split()[-len(words) :] == words, name
    assert found["e.json:0000001"].metadata["licence"] == "CC0"

    files, records, _ = receipt.steps
    dropped = {
        reason: [name.removeprefix("mine/") for name in drop.examples]
        for reason, drop in files.dropped.items()
    }
    assert dropped == {
        "binary": ["x_binary.txt", "x_many.txt.bz2"],
        "unpacks to more than 200 times its size: a bomb": ["x_bomb.txt.gz"],
        "damaged parquet file": ["x_cut.parquet"],
        "empty": ["x_empty.txt"],
        "PNG image: not a format that is read": ["x_picture.png"],
        "not JSON": ["x_bad.json"],
        "symbolic link in a circle": ["x_loop"],
        "damaged zip archive: File is not a zip file": ["i.zip!/inner.zip"],
    }
    assert records.dropped["not JSON"].examples == ["mine/f.jsonl:3"]
    cut = records.dropped["truncated or damaged compression"]
    assert cut.examples == ["mine/x_cut.txt.gz:rest"]
    assert files.notes["encodings"]["utf-16"] == 1
    account = files.to_json()
    assert account["in"] == account["kept"] + sum(
        drop["count"] for drop in account["reasons"].values()
    )


def test_no_absolute_path_leaves_the_collection(folder):
    documents, receipt = collect(folder)
    everything = json.dumps([step.to_json() for step in receipt.steps])
    everything += " ".join(d.id + d.source for d in documents)
    assert str(folder.parent) not in everything


def test_a_damaged_row_file_gives_the_rows_before_the_damage(tmp_path):
    lines = "".join(json.dumps({"text": f"row {n} " * 9}) + "\n" for n in range(999))
    packed = gzip.compress(lines.encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    documents, receipt = collect(tmp_path)
    assert 100 < len(documents) < 999
    assert documents[99].text == "row 99 " * 9
    (rest,) = receipt.steps[1].dropped["truncated or damaged compression"].examples
    assert rest.endswith("cut.jsonl.gz:rest")


def test_two_members_of_one_name_are_not_confused(tmp_path, prose):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x\x01.txt", prose(1, 20))
        archive.writestr("x\x02.txt", prose(2, 20))
    documents, _ = collect(tmp_path / "a.zip")
    assert [d.id for d in documents] == ["a.zip!/x\ufffd.txt", "a.zip!/x\ufffd.txt~2"]


def test_the_field_that_the_user_names_holds_the_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"story": "mine", "text": "not mine"}\n')
    (document,), _ = collect(tmp_path / "a.jsonl", text_field="story")
    assert document.text == "mine"


def test_a_file_above_the_limit_is_not_opened(tmp_path):
    (tmp_path / "big.txt").write_text("x" * 2000)
    documents, receipt = collect(tmp_path / "big.txt", max_file_bytes=1000)
    assert documents == []
    assert "larger than 1000 bytes" in receipt.steps[0].dropped


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / "shut.txt").write_text("text")
    (tmp_path / "shut.txt").chmod(0)
    _, receipt = collect(tmp_path)
    (reason,) = receipt.steps[0].dropped
    assert reason == "unreadable: Permission denied"


def test_a_path_that_does_not_exist_is_refused_before_any_reading(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        collect(tmp_path / "none")
