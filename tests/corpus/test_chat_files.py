"""Files of conversations and pairs: containers, bad rows, the split."""

import gzip
import json
import lzma
import os
from pathlib import Path

import pytest
import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.chat_files import read_conversations, read_preferences

ROWS = [{"question": f"What is {i}?", "answer": f"It is {i}."} for i in range(200)]
LINES = "\n".join(map(json.dumps, ROWS)).encode()
SHARED = os.environ.get("SCRATCHLM_SHARED")


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", LINES),
        ("a.jsonl", b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\r\n")),
        ("a.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("a.jsonl.xz", lzma.compress(LINES)),
        ("a.jsonl.zst", zstandard.compress(LINES)),
        ("a.json", json.dumps(ROWS, indent=1).encode()),
        ("a.json.xz", lzma.compress(json.dumps(ROWS).encode())),
    ],
)
def test_every_container_holds_the_same_conversations(tmp_path, name, data):
    rows, notes = read_conversations(write(tmp_path, name, data), 0, 1000)
    asked = {row["messages"][0]["content"]: row["reference"] for row in rows}
    assert asked == {row["question"]: row["answer"] for row in ROWS}
    assert notes["schemas"] == {"question-answer": 200}
    assert notes["skipped"] == {}


def test_bad_rows_are_counted_and_named_by_line(tmp_path):
    data = b'{"x": 1}\n\nno json\n' + LINES + b'\n{"x": 2}\n\xff\xfe\n'
    rows, notes = read_conversations(write(tmp_path, "a.jsonl", data), 0, 1000)
    assert len(rows) == notes["rows"] == 200
    assert notes["skipped"] == {
        "not JSON in UTF-8": {"rows": 2, "first": [3, 205]},
        "unknown fields x": {"rows": 2, "first": [1, 204]},
    }


def test_about_a_tenth_is_tested_and_equal_questions_stay_together(tmp_path):
    twice = LINES + b"\n" + LINES.replace(b"It is", b"That is")
    rows, _ = read_conversations(write(tmp_path, "a.jsonl", twice), 0, 1000)
    sides = {split: set() for split in ("train", "test")}
    for row in rows:
        sides[row["split"]].add(row["messages"][0]["content"])
    assert not sides["train"] & sides["test"]
    assert 8 <= len(sides["test"]) <= 35


def test_a_row_keeps_its_side_when_the_file_grows(tmp_path):
    half = b"\n".join(LINES.split(b"\n")[:100])
    small, _ = read_conversations(write(tmp_path, "a.jsonl", half), 0, 1000)
    large, _ = read_conversations(write(tmp_path, "b.jsonl", LINES), 0, 1000)
    assert {row["id"]: row for row in small}.items() <= {
        row["id"]: row for row in large
    }.items()


def test_the_limit_holds_for_training_and_what_it_cuts_is_noted(tmp_path):
    rows, notes = read_conversations(write(tmp_path, "a.jsonl", LINES), 0, 50)
    assert sum(row["split"] == "train" for row in rows) == 50
    assert len(rows) + notes["beyond max_conversations"] == 200


@pytest.mark.parametrize("n", [1, 2])
def test_of_few_rows_one_is_for_training(tmp_path, n):
    data = b"\n".join(LINES.split(b"\n")[:n])
    for seed in range(10):
        rows, _ = read_conversations(write(tmp_path, "a.jsonl", data), seed, 10)
        splits = sorted(row["split"] for row in rows)
        assert splits == [["train"], ["test", "train"]][n - 1]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b""),
        ("a.jsonl", b"no json\n"),
        ("a.json", b"[]"),
        ("a.json", b'[{"question": '),
        ("a.json", b"[" * 100_000),
        ("a.jsonl.gz", gzip.compress(LINES, mtime=0)[:-20]),
        ("a.jsonl.gz", LINES),
        ("a.jsonl.xz", lzma.compress(LINES)[:-20]),
        ("a.jsonl.zst", LINES),
        ("a.jsonl", b'{"title": "a"}\n'),
    ],
)
def test_a_file_without_a_usable_row_is_refused_in_one_line(tmp_path, name, data):
    path = write(tmp_path, name, data)
    with pytest.raises(UserError, match=name) as error:
        read_conversations(path, 0, 9)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=name):
        read_preferences(path, 0)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_conversations(tmp_path / "none.jsonl", 0, 9)
    with pytest.raises(UserError, match="cannot read"):
        read_conversations(tmp_path, 0, 9)


def test_pairs_are_read_and_split_by_prompt(tmp_path):
    lines = [
        json.dumps({"prompt": f"Question {i // 2}", "chosen": f"{i}", "rejected": "no"})
        for i in range(200)
    ]
    path = write(tmp_path, "p.jsonl", "\n".join(lines).encode())
    rows, notes = read_preferences(path, 0)
    assert len(rows) == notes["rows"] == 200
    sides = {
        split: {r["prompt"][0]["content"] for r in rows if r["split"] == split}
        for split in ("train", "test")
    }
    assert sides["test"] and not sides["train"] & sides["test"]


@pytest.mark.skipif(SHARED is None, reason="SCRATCHLM_SHARED is not set")
@pytest.mark.parametrize(
    ("name", "schema", "n_rows"),
    [
        ("sft/alpaca_en_demo.json", "alpaca", 999),
        ("sft/dolly_hhrlhf_small.jsonl.xz", "prompt-response", 1000),
        ("sft/fastchat_dummy_conversation.json", "sharegpt", 500),
        ("sft/glaive_toolcall_en_demo.json", "sharegpt", 147),
        ("sft/gsm8k_train.jsonl.xz", "question-answer", 7473),
        ("preference/dpo_en_demo.json.xz", "conversations", 300),
        ("preference/hh-rlhf-harmless-base.jsonl.xz", "transcripts", 1536),
        ("preference/instruction-data-with-preference.json", "instruction", 1094),
    ],
)
def test_published_files_are_read_whole(name, schema, n_rows):
    path = Path(str(SHARED), "data", name)
    if name.startswith("sft"):
        rows, notes = read_conversations(path, 0, 10_000)
    else:
        rows, notes = read_preferences(path, 0)
    assert len(rows) == n_rows
    assert notes["schemas"] == {schema: n_rows}
    assert {row["split"] for row in rows} == {"train", "test"}
