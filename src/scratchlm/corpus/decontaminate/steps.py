"""The step: index (corpus) → match (shard) → judge (corpus); and the check at the end.

What the judge leaves beside its decisions: `items.jsonl`, a line for each item and
document; `summary.json`, counts by task; and which sequences it ignored, so that the
check of the final shards calls the same things boilerplate.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from scratchlm.base.atomic import write_json
from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes, sha256_file
from scratchlm.corpus.decontaminate.canary import CANARY_ITEM, TASK, canary_document
from scratchlm.corpus.decontaminate.config import Action, DecontaminateConfig
from scratchlm.corpus.decontaminate.index_build import build_index
from scratchlm.corpus.decontaminate.item_files import find_item_files, read_items
from scratchlm.corpus.decontaminate.item_index import ItemIndex
from scratchlm.corpus.decontaminate.judge import (
    Found,
    Judge,
    decide,
    describe,
    summarise,
)
from scratchlm.corpus.decontaminate.matching import Matches
from scratchlm.corpus.decontaminate.pieces import shard_blocks
from scratchlm.corpus.decontaminate.runs import Run, read_runs, write_runs
from scratchlm.corpus.dedup.words import Indices
from scratchlm.corpus.flow.decisions import Decision, write_decisions
from scratchlm.corpus.flow.rounds import (
    CorpusStep,
    CorpusWork,
    Round,
    Shard,
    ShardWork,
    decisions_path,
)

ITEMS = "items.jsonl"
SUMMARY = "summary.json"
RUNS = "runs.parquet"
KINDS = ("short", "long", "whole")


class ItemFile(Config):
    """An evaluation file as it was when the build began."""

    name: str
    """Its name below the folder that was given."""
    sha256: str
    """Hash of its bytes."""
    path: str = Field(exclude=True)
    """Where it lies; decides nothing."""


class DecontaminateTask(Config):
    """The configuration of the step's rounds, files by content."""

    settings: DecontaminateConfig
    """The rules; `files` is empty."""
    files: tuple[ItemFile, ...]
    """The evaluation files."""


def build_decontaminate_step(
    config: DecontaminateConfig, actions: Mapping[str, Action] | None = None
) -> CorpusStep:
    """The step, with its canary. `actions` by source go before those of `config`.

    Raises:
        UserError: a file does not exist or cannot be read.
    """
    task = _task(config, actions or {})
    rounds = (
        Round("index", "corpus", index_items),
        Round("match", "shard", match_shard),
        Round("judge", "corpus", judge_corpus),
    )
    return CorpusStep("decontaminate", task, rounds, (canary_document(),))


def check_final(
    config: DecontaminateConfig,
    parts: Sequence[Path],
    judged: Path | None = None,
) -> dict[str, Any]:
    """Look once more, through the final Parquet parts: what was found, as JSON.

    `judged` is what the judge of the build left: what was boilerplate then stays so.
    Gives the summary, with the first 1,000 lines of the report as "found_items".
    """
    task = _task(config.model_copy(update={"action": "report", "actions": {}}), {})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shards = [Shard(number, "", path) for number, path in enumerate(parts)]
        outs = {name: root / name for name in ("index", "judge")}
        index_items(_corpus_work(task, shards, {}, outs["index"]))
        for shard in shards:
            out = root / "match" / str(shard.index)
            earlier = {"index": outs["index"]}
            match_shard(ShardWork(task, shard, earlier, out, 0))
        matched = [root / "match" / str(shard.index) for shard in shards]
        before = {"index": [outs["index"]] * len(shards), "match": matched}
        work = _corpus_work(task, shards, before, outs["judge"])
        _judge(work, outs["index"], None if judged is None else read_ignored(judged))
        summary: dict[str, Any] = json.loads((outs["judge"] / SUMMARY).read_bytes())
        return {**summary, "found_items": list(read_report(outs["judge"]))[:1000]}


def read_report(judged: Path) -> Iterator[dict[str, Any]]:
    """The report of a judge, item by item."""
    with (judged / ITEMS).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def index_items(work: CorpusWork) -> None:
    """Round "index": evaluation files to an index on the disk.

    Raises:
        UserError: a file changed since the build began.
    """
    task: DecontaminateTask = work.config
    items = []
    for file in task.files:
        if sha256_file(Path(file.path)) != file.sha256:
            raise UserError(f"{file.path} changed while the corpus was being built")
        items += read_items(file.name, Path(file.path), task.settings)
    build_index([*items, CANARY_ITEM], task.settings).save(work.out)


def match_shard(work: ShardWork) -> None:
    """Round "match": runs, and in how many documents each sequence of words stands."""
    settings: DecontaminateConfig = work.config.settings
    index = ItemIndex.load(work.earlier["index"])
    matches = Matches(index, settings)
    for block in shard_blocks(work.shard):
        matches.add(block)
    work.out.mkdir(parents=True, exist_ok=True)
    for kind, counts in zip(KINDS, matches.counts, strict=True):
        numbers = np.flatnonzero(counts)
        np.save(work.out / f"{kind}.npy", np.stack([numbers, counts[numbers]]))
    # What stands in too many documents of this shard alone is no news later.
    local = Judge(index, settings, _too_many(matches.counts, settings))
    write_runs(work.out / RUNS, sorted(filter(local.matters, matches.runs)))


def judge_corpus(work: CorpusWork) -> None:
    """Round "judge": decisions, the report and its summary."""
    _judge(work, work.earlier["index"][0], None)


def read_ignored(judged: Path) -> list[Indices]:
    """The sequences that a judge ignored because they stand in too many documents."""
    return [np.load(judged / f"ignored_{kind}.npy") for kind in KINDS]


def _judge(work: CorpusWork, indexed: Path, ignored: list[Indices] | None) -> None:
    settings: DecontaminateConfig = work.config.settings
    index = ItemIndex.load(indexed)
    if ignored is None:
        ignored = _too_many(_total_counts(index, work.earlier["match"]), settings)
    work.out.mkdir(parents=True, exist_ok=True)
    for kind, numbers in zip(KINDS, ignored, strict=True):
        np.save(work.out / f"ignored_{kind}.npy", numbers)
    judge = Judge(index, settings, ignored)
    rows: list[dict[str, Any]] = []
    for shard, matched in zip(work.shards, work.earlier["match"], strict=True):
        action = settings.action_for(shard.source)
        decisions: list[Decision] = []
        for found in _found(judge, matched):
            decisions += decide(settings, action, index.names, found)
            rows += [
                describe(index.names, entry, shard.source, action)
                for entry in found
                if index.names[entry.item][0] != TASK
            ]
        write_decisions(decisions_path(work.out, shard.index), decisions)
    rows.sort(key=lambda row: [row[name] for name in ("task", "item", "document")])
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (work.out / ITEMS).write_text("".join(lines), encoding="utf-8")
    write_json(work.out / SUMMARY, summarise(index, judge, rows, TASK))


def _found(judge: Judge, matched: Path) -> Iterator[list[Found]]:
    """What each document of a shard gives away."""
    runs = read_runs(matched / RUNS)
    for _, group in groupby(runs, key=_row):
        found = judge.find(list(group))
        if found:
            yield found


def _row(run: Run) -> int:
    return run.row


def _total_counts(index: ItemIndex, matched: Sequence[Path]) -> list[Indices]:
    sizes = (len(index.short.hashes), len(index.long.hashes), len(index.wholes))
    totals = [np.zeros(size, np.int64) for size in sizes]
    for directory in matched:
        for kind, total in zip(KINDS, totals, strict=True):
            numbers, counts = np.load(directory / f"{kind}.npy")
            total[numbers] += counts
    return totals


def _too_many(
    counts: Sequence[Indices], settings: DecontaminateConfig
) -> list[Indices]:
    return [np.flatnonzero(total > settings.most_documents) for total in counts]


def _task(
    config: DecontaminateConfig, actions: Mapping[str, Action]
) -> DecontaminateTask:
    found = find_item_files(config.files)
    files = tuple(
        ItemFile(name=name, sha256=_sha256(path), path=str(path.resolve()))
        for name, path in found
    )
    update = {"files": (), "actions": {**config.actions, **actions}}
    return DecontaminateTask(settings=config.model_copy(update=update), files=files)


def _sha256(path: Path) -> str:
    try:
        return sha256_bytes(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); check decontaminate.files"
        ) from None


def _corpus_work(
    task: DecontaminateTask,
    shards: Sequence[Shard],
    earlier: Mapping[str, Sequence[Path]],
    out: Path,
) -> CorpusWork:
    return CorpusWork(task, shards, earlier, {}, out, 0)
