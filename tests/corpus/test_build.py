import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.build import build_corpus
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.stats import first_rows
from scratchlm.corpus.store import Corpus

SHARED = os.environ.get("SCRATCHLM_SHARED")
FILES = ["conversations.jsonl", "heldout", "manifest.json", "preferences.jsonl"]
FILES += ["receipt.json", "removed", "report.html", "train"]


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def texts(prose) -> dict[str, str]:
    return {f"{n:02d}.txt": prose(n, 200) for n in range(30)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, texts) -> Path:
    root = tmp_path_factory.mktemp("own") / "mine"
    root.mkdir()
    for name, text in texts.items():
        (root / name).write_text(text)
    (root / "copy.txt").write_text(texts["03.txt"])
    (root / "nearly.txt").write_text(texts["04.txt"] + "and three words more\n")
    (root / "short.txt").write_text("too short\n")
    return root


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, folder) -> Corpus:
    config = CorpusConfig(source="files", paths=(str(folder),))
    return build_corpus(config, tmp_path_factory.mktemp("runs") / "corpus")


def test_every_document_is_in_training_held_out_or_in_the_receipt(corpus, texts):
    train, heldout = (
        {document.id: document.text for document in side}
        for side in (corpus.train_documents(), corpus.heldout_documents())
    )
    assert sorted(corpus.directory.iterdir()) == [
        corpus.directory / name for name in FILES
    ]
    assert not train.keys() & heldout.keys()
    names = {f"mine/{name}" for name in texts} - {"mine/04.txt"} | {"mine/nearly.txt"}
    assert train.keys() | heldout.keys() == names
    steps = {step["step"]: step for step in corpus.receipt["steps"]}
    (exact,) = steps["exact"]["reasons"].values()
    assert [e["id"] for e in exact["examples"]] == ["mine/copy.txt"]
    (near,) = steps["near_duplicates"]["reasons"].values()
    assert [e["id"] for e in near["examples"]] == ["mine/04.txt"]
    assert near["examples"][0]["of"].endswith("mine/nearly.txt")
    (short,) = steps["clean"]["reasons"].values()
    assert [e["id"] for e in short["examples"]] == ["mine/short.txt"]
    removed = first_rows(corpus, "removed", 9)
    assert {row["id"] for row in removed} == {"mine/copy.txt", "mine/04.txt"}


def test_each_step_takes_in_what_the_step_before_kept(corpus):
    steps = corpus.receipt["steps"]
    for step in steps:
        left_out = sum(drop["count"] for drop in step["reasons"].values())
        assert step["in"] == step["kept"] + left_out
    documents = [step for step in steps if step["unit"] == "documents"]
    for before, after in itertools.pairwise(documents):
        assert after["in"] == before["kept"]
        assert after["bytes_in"] == before["bytes_out"]
    sides = [corpus.receipt[side]["n_documents"] for side in ("train", "heldout")]
    assert sum(sides) == documents[-1]["kept"]


def test_conversations_and_pairs_are_built_and_said_to_be_synthetic(corpus):
    assert corpus.receipt["synthetic"] is True
    asked = corpus.conversations("train", "asked")
    assert asked and all(row["messages"][-1]["role"] == "assistant" for row in asked)
    assert corpus.conversations("test", "heldout")
    assert corpus.preferences("train") and corpus.preferences("test")
    assert len(corpus.conversations()) >= len(asked)


def test_the_bytes_do_not_depend_on_where_or_in_what_order_the_files_lie(
    corpus, folder, tmp_path, texts
):
    other = tmp_path / "elsewhere" / "mine"
    other.mkdir(parents=True)
    names = sorted(path.name for path in folder.iterdir())
    for name in random.Random(5).sample(names, len(names)):
        (other / name).write_bytes((folder / name).read_bytes())
    config = CorpusConfig(source="files", paths=(str(other),))
    again = build_corpus(config, tmp_path / "again")
    assert contents(again.directory) == contents(corpus.directory)


def test_the_order_in_which_paths_are_named_changes_nothing(folder, tmp_path):
    paths = [str(path) for path in sorted(folder.iterdir())]
    for name, order in (("a", paths), ("b", paths[::-1])):
        config = CorpusConfig(source="files", paths=tuple(order))
        build_corpus(config, tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_bytes_do_not_depend_on_the_hash_seed(corpus, folder, tmp_path):
    code = (
        "import sys; from pathlib import Path;"
        "from scratchlm.corpus import CorpusConfig, build_corpus;"
        "c = CorpusConfig(source='files', paths=(sys.argv[1],));"
        "build_corpus(c, Path(sys.argv[2]));"
        "assert 'torch' not in sys.modules"
    )
    out = tmp_path / "out"
    env = {
        **os.environ,
        "PYTHONHASHSEED": "4321",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", code, str(folder), str(out)]
    subprocess.run(command, check=True, env=env)
    assert contents(out) == contents(corpus.directory)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "holds nothing to read"),
        ({"a.bin": bytes(range(256)) * 9}, "1 × .bin: not a format"),
        ({"a.txt": b"some text, but very little of it\n" * 9}, "20 kB needed"),
        ({"a.jsonl": b'{"n": 1}\n' * 9}, "text_field"),
    ],
)
def test_where_nothing_usable_remains_one_line_says_so_and_nothing_is_written(
    tmp_path, files, reason
):
    (tmp_path / "in").mkdir()
    for name, data in files.items():
        (tmp_path / "in" / name).write_bytes(data)
    config = CorpusConfig(source="files", paths=(str(tmp_path / "in"),))
    with pytest.raises(UserError) as caught:
        build_corpus(config, tmp_path / "out" / "corpus")
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "corpus").exists()


def test_a_failed_build_leaves_the_corpus_that_was_there(corpus, tmp_path):
    before = contents(corpus.directory)
    config = CorpusConfig(source="files", paths=(str(tmp_path),))
    with pytest.raises(UserError):
        build_corpus(config, corpus.directory)
    with pytest.raises(UserError, match="--text"):
        build_corpus(CorpusConfig(source="files"), corpus.directory)
    assert contents(corpus.directory) == before


def test_a_corpus_may_be_built_within_the_folder_that_is_read(texts, tmp_path):
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    config = CorpusConfig(source="files", paths=(str(tmp_path),), ask=False)
    first = contents(build_corpus(config, tmp_path / "corpus").directory)
    assert contents(build_corpus(config, tmp_path / "corpus").directory) == first
    again = build_corpus(config, tmp_path / "again")
    ids = {d.id for side in ("train", "heldout") for d in again.documents(side)}
    assert ids == {f"{tmp_path.name}/{name}" for name in texts}


@pytest.mark.skipif(not SHARED, reason="SCRATCHLM_SHARED is not set")
@pytest.mark.parametrize(
    ("name", "n_sides"),
    [
        ("the-verdict.txt", (1, 1)),
        ("tinyshakespeare.txt", (1, 4)),
        ("books-txt", (4, 4)),
        ("rust-book.jsonl.xz", (50, 2)),
    ],
)
def test_real_files_of_several_kinds_become_a_corpus(tmp_path, name, n_sides):
    path = Path(SHARED or "", "data/pretrain", name)
    config = CorpusConfig(source="files", paths=(str(path),), max_conversations=500)
    corpus = build_corpus(config, tmp_path / "corpus")
    receipt = corpus.receipt
    for side, fewest in zip(("train", "heldout"), n_sides, strict=True):
        assert receipt[side]["n_documents"] >= fewest
    share = receipt["split"]["heldout_frac"]
    assert 0.025 <= share <= 0.08
    assert corpus.conversations("test", "heldout")
    assert str(path.parent) not in json.dumps(receipt)
