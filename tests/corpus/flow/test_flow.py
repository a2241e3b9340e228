"""Laws of whole builds: what they may depend on, and what they may not."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT
from scratchlm.corpus.build import build_corpus
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.apply_rules import DeadCanaryError
from scratchlm.corpus.flow.decisions import write_decisions
from scratchlm.corpus.flow.executor import InProcess
from scratchlm.corpus.flow.flow import Flow
from scratchlm.corpus.flow.rounds import CorpusStep, Round, decisions_path
from scratchlm.corpus.options import BuildOptions
from scratchlm.corpus.stats import first_rows

QUESTION = (
    "How many lanterns does the keeper of the northern harbour light each evening"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, prose):
    """Two sources with copies of every kind, personal data, an evaluation item."""
    root = tmp_path_factory.mktemp("input")
    for source in ("one", "two"):
        (root / source).mkdir()
    texts = [prose(n, 150) for n in range(24)]
    for number, text in enumerate(texts):
        (root / "one" / f"{number:02d}.txt").write_text(text)
    passage = prose(99, 120)
    rows = [
        {"text": texts[3], "url": "https://a.org/x"},
        {"text": texts[4] + "A few words more.", "url": "https://a.org/y"},
        {"text": prose(50, 90) + passage, "url": "https://a.org/z"},
        {"text": prose(51, 80) + passage, "url": "https://a.org/w"},
        {"text": prose(52, 90), "url": "https://a.org/v?utm_source=q"},
        {"text": prose(53, 90), "url": "https://A.org/v"},
        {"text": prose(54, 90) + "Write to jo@mail.harbourlight.org now. "},
        {"text": prose(55, 200) + QUESTION + "? Nobody knows. " + prose(56, 60)},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (root / "two" / "rows.jsonl").write_text(lines)
    (root / "items.jsonl").write_text(json.dumps({"question": QUESTION}) + "\n")
    return root


def settings(folder, **more):
    sources = [
        {"name": "one", "paths": [str(folder / "one")], "priority": 1.0, "epochs": 2.0},
        {"name": "two", "paths": [str(folder / "two")], "licence": "CC0-1.0"},
    ]
    on = {"enabled": True}
    return CorpusConfig.model_validate(
        {
            "source": "files",
            "sources": sources,
            "ask": False,
            "privacy": {"mask": ["email"]},
            "dedup": {"url": on, "substring": on},
            "decontaminate": {"files": [str(folder / "items.jsonl")]},
            "split": {"heldout_frac": 0.1},
            "min_corpus_bytes": 1000,
            **more,
        }
    )


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "corpus"
    return build_corpus(settings(folder), out, options=BuildOptions(workers=1))


def test_every_step_did_its_work_and_names_what_decided(built):
    removed = list(first_rows(built, "removed", 99))
    by_step = {row["step"]: row for row in removed}
    assert {"exact", "near_duplicates", "substring", "url", "decontaminate"} <= set(
        by_step
    )
    assert by_step["exact"]["of"].endswith("one/03.txt")
    assert by_step["near_duplicates"]["value"] >= 0.7
    texts = "".join(d.text for d in built.train_documents())
    texts += "".join(d.text for d in built.heldout_documents())
    assert "jo@mail" not in texts
    assert QUESTION not in texts
    assert built.receipt["decontamination_of_the_result"]["found_items"] == []


def test_a_source_of_two_epochs_is_written_twice(built):
    names = [d.id for d in built.train_documents() if d.source == "one"]
    assert len(names) == 2 * len({name.partition("×")[0] for name in names})
    once = [d.id for d in built.train_documents() if d.source == "two"]
    assert len(once) == len(set(once)) > 0


def test_in_equals_out_at_every_step(built):
    documents = [s for s in built.receipt["steps"] if s["unit"] == "documents"]
    for before, after in itertools.pairwise(documents):
        assert after["in"] == before["kept"]
        assert after["bytes_in"] == before["bytes_out"]


@pytest.mark.parametrize(
    "options",
    [
        BuildOptions(workers=1, canaries=False),
        BuildOptions(workers=2, memory_bytes=10**6),
        BuildOptions(workers=2, on="ray"),
    ],
    ids=["without canaries", "two workers, little memory", "on Ray"],
)
def test_how_a_build_runs_changes_no_byte(built, folder, tmp_path, options):
    if options.on == "ray":
        pytest.importorskip("ray")
    again = build_corpus(settings(folder), tmp_path / "corpus", options=options)
    assert contents(again.directory) == contents(built.directory)


def test_one_file_more_reads_its_own_shard_again_and_no_other(folder, tmp_path, prose):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text(prose(70, 200))

    def build(name):
        config = settings(folder)
        extra = {"name": "more", "paths": [str(tmp_path / "more")]}
        value = config.model_dump(mode="json")
        config = CorpusConfig.model_validate(
            {**value, "sources": [*value["sources"], extra]}
        )
        options = BuildOptions(workers=1, work=tmp_path / name)
        build_corpus(config, tmp_path / "corpus", options=options)
        marks = (tmp_path / name).glob("read/*/done.json")
        return {mark.parent.name: mark.stat().st_mtime_ns for mark in marks}

    before = build("work")
    (tmp_path / "more" / "b.txt").write_text(prose(71, 200))
    after = build("work")
    same = {name for name in before if after.get(name) == before[name]}
    assert {name.partition("-")[0] for name in same} == {"one", "two"}
    incremental = contents(tmp_path / "corpus")
    build("fresh")
    assert contents(tmp_path / "corpus") == incremental


def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(built, folder, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(settings(folder).model_dump_json())
    code = (
        "import sys; from pathlib import Path;"
        "from scratchlm.corpus.config import CorpusConfig;"
        "from scratchlm.corpus.build import build_corpus;"
        "from scratchlm.corpus.options import BuildOptions;"
        "c = CorpusConfig.model_validate_json(Path(sys.argv[1]).read_text());"
        "build_corpus(c, Path(sys.argv[2]), options=BuildOptions(workers=1))"
    )
    out = tmp_path / "corpus"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    draw, kills = random.Random(3), 0
    while kills < 3:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(config), str(out)], env=env
        )
        seen = count_tasks(tmp_path)
        while process.poll() is None and count_tasks(tmp_path) < seen + 4:
            time.sleep(0.01)
        if process.poll() is not None:
            break
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills > 1
    again = build_corpus(settings(folder), out, options=BuildOptions(workers=1))
    assert contents(again.directory) == contents(built.directory)


def count_tasks(folder: Path) -> int:
    return len(list(folder.glob("corpus.work/*/*/done.json")))


def test_a_second_build_in_the_same_place_is_refused(folder, tmp_path):
    from filelock import FileLock

    (tmp_path / "corpus.work").mkdir()
    with (
        FileLock(tmp_path / "corpus.work" / "lock"),
        pytest.raises(UserError, match="another build works in"),
    ):
        build_corpus(settings(folder), tmp_path / "corpus")


def test_a_place_that_cannot_be_written_is_refused_before_any_work(folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="cannot be written"):
        build_corpus(settings(folder), tmp_path / "file" / "corpus")
    with pytest.raises(UserError, match="is a file"):
        build_corpus(settings(folder), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def decide_nothing(work):
    for shard in work.shards:
        write_decisions(decisions_path(work.out, shard.index), [])


def test_a_step_that_does_nothing_to_its_canary_stops_the_build(tmp_path):
    canary = Document("canary", "planted", "canary")
    rounds = (Round("all", "corpus", decide_nothing),)
    flow = Flow(tmp_path, InProcess(), 10**8, SILENT)
    with pytest.raises(DeadCanaryError, match="the step idle found nothing"):
        flow.decide(CorpusStep("idle", None, rounds, (canary,)))
