"""The end of a journey: a receipt, three answers, and the line that opens the chat."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scratchlm.base.hashing import sha256_bytes
from scratchlm.base.metrics import read_metrics
from scratchlm.base.units import format_bytes, format_duration
from scratchlm.corpus.rows import read_rows
from scratchlm.pipeline.events import stage_times
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.stages import STAGE_NAMES

WIDTH = 80
N_ANSWERS = 3
UNSEEN = ("unasked", "heldout", "test")


def closing_lines(run: RunDirectory, made: Sequence[str]) -> Iterator[str]:
    """What is said when every stage is done.

    Args:
        run: the run.
        made: stages that had to run this time; without any, only a word.
    """
    if made:
        yield ""
        yield _receipt(run)
        yield from _answers(run)
        yield ""
    else:
        yield "everything is up to date"
    yield f"report: {run.report_path}"
    yield f"talk to it with: scratchlm chat {run.name}"


def draw_answers(run: RunDirectory, n: int = N_ANSWERS) -> list[Mapping[str, Any]]:
    """Draw answers to unseen questions, by the hash of their ids; fewer if few."""
    rows: list[Mapping[str, Any]] = list(
        read_rows(run.stage("evaluate_chat") / "answers.jsonl")
    )
    unseen = [row for row in rows if row["kind"] in UNSEEN] or rows
    return sorted(unseen, key=lambda row: sha256_bytes(str(row["id"]).encode()))[:n]


def _answers(run: RunDirectory) -> Iterator[str]:
    rows = draw_answers(run)
    if rows:
        yield ""
        yield "Answers to questions that it was never asked, drawn by lot:"
    for row in rows:
        yield ""
        yield from _wrapped("question", row["question"])
        yield from _wrapped("it says", row["answer"])
        yield from _wrapped("truth", row["reference"])


def _receipt(run: RunDirectory) -> str:
    times = stage_times(read_metrics(run.metrics_path))
    spent = sum(time.wall_s for name, time in times.items() if name in STAGE_NAMES)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    size = format_bytes(sum(path.stat().st_size for path in files))
    return f"done in {format_duration(spent)} of work; {size} in {run.path}"


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()) or "(nothing)",
        WIDTH,
        initial_indent=f"  {label:>8}  ",
        subsequent_indent=" " * 12,
        max_lines=4,
        placeholder=" …",
    )
