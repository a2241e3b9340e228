"""Own text: the journey over files of several kinds, and what stops it.

SCRATCHLM_SHARED=… python benchmarks/journey_text.py [--minutes 1] [--only WORD]

Each case runs `scratchlm run laptop --text …` in a folder of its own and records the
exit status, what was said, and the corpus receipt. A folder of mixed files holds what
must be skipped and named; the error cases hold nothing usable, or no room to write.
"""

from __future__ import annotations

import argparse
import os
import pydoc_data.topics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mixed_files import usable_names, write_mixed_files
from result import Result
from scratchlm.base.atomic import read_json

SCRATCHLM = str(Path(sys.executable).with_name("scratchlm"))
KINDS = {
    "txt": ("tinyshakespeare.txt",),
    "folder": ("books-txt",),
    "jsonl": ("rust-book.jsonl.xz", "peps.jsonl.xz"),
    "long": ("wikitext",),
    "lines": ("names.txt",),
}
QUICK = ("evaluate.max_questions=24", "evaluate.max_heldout_bytes=60000")


@dataclass
class Case:
    """One run and what came of it."""

    name: str
    status: int
    wall_s: float
    said: str
    """The last lines of standard error."""
    n_error_lines: int
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_one_clear_line(self) -> bool:
        """Refused with status 2 by one line for a person."""
        return (
            self.status == 2
            and self.n_error_lines == 1
            and self.said.startswith("scratchlm: ")
            and "unexpected" not in self.said
        )


class Runner:
    """Runs cases in a scratch folder."""

    def __init__(self, scratch: Path, minutes: float) -> None:
        self.scratch = scratch
        self.minutes = minutes

    def run(self, name: str, paths: list[Path], *more: str, runs: str = "runs") -> Case:
        """Run the journey over paths; read its receipt."""
        folder = self.scratch / runs
        text = [word for path in paths for word in ("--text", str(path))]
        options = ["--minutes", str(self.minutes), "--name", name]
        command = [SCRATCHLM, "run", "laptop", *text, *options, *QUICK, *more]
        begun = time.perf_counter()
        done = subprocess.run(
            [*command, "--runs-dir", str(folder)], capture_output=True, text=True
        )
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(("scratchlm:", "Traceb"))]
        case = Case(
            name=name,
            status=done.returncode,
            wall_s=round(time.perf_counter() - begun, 1),
            said="\n".join(errors[-3:])[:600],
            n_error_lines=len(errors),
            facts=read_facts(folder / name),
        )
        print(f"{case.status}  {case.wall_s:6.1f} s  {name}  {case.said}", flush=True)
        return case


def main() -> None:
    """Run the cases and write `results/journey_text.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument(
        "--only", default="", help="only claims named so; writes nothing"
    )
    arguments = parser.parse_args()
    result = Result("journey_text", {"minutes": arguments.minutes, "kinds": KINDS})
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(Path(scratch), arguments.minutes)
        for claim in (claim_kinds, claim_mixed, claim_refusals, claim_full_disk):
            if arguments.only in claim.__name__:
                claim(result, runner)
    if not arguments.only:
        print(result.write())


def claim_kinds(result: Result, runner: Runner) -> None:
    """Files of several kinds go the whole way."""
    shared = os.environ.get("SCRATCHLM_SHARED")
    for kind, names in KINDS.items():
        claim = f"{kind}_ends_well"
        if shared is None:
            result.absent(claim, "== 1", "SCRATCHLM_SHARED is not set")
            continue
        folder = Path(shared) / "data" / "pretrain"
        case = runner.run(f"kind-{kind}", [folder / name for name in names])
        record(result, case)
        result.claim(claim, "== 1", case.status == 0 and is_whole(case))
        result.claim(f"{kind}_is_called_synthetic", "== 1", is_synthetic(case))


def claim_mixed(result: Result, runner: Runner) -> None:
    """What cannot be read is skipped, counted and named, and the run goes on."""
    folder = runner.scratch / "mixed"
    folder.mkdir()
    expected = write_mixed_files(folder, sample_texts())
    case = runner.run("mixed", [folder])
    record(result, case)
    result.claim("mixed_ends_well", "== 1", case.status == 0 and is_whole(case))
    reasons = dropped_files(case)
    for name, word in expected.items():
        is_named = name in reasons and word in reasons[name]
        result.claim(f"mixed_{name}_is_named", "== 1", is_named)
    for name in usable_names():
        result.claim(f"mixed_{name}_is_used", "== 1", name not in reasons)
    encodings = case.facts.get("encodings", {})
    is_decoded = any("16" in name for name in encodings)
    result.claim("mixed_utf16_is_decoded", "== 1", is_decoded)


def claim_refusals(result: Result, runner: Runner) -> None:
    """Where nothing usable remains: one clear line and a status of 2."""
    scratch = runner.scratch
    empty, binaries, small, alike = (
        scratch / n for n in ["empty", "binaries", "small", "alike"]
    )
    for folder in (empty, binaries, small, alike):
        folder.mkdir()
    for i in range(3):
        (binaries / f"{i}.bin").write_bytes(os.urandom(40_000))
    (small / "note.txt").write_text("A short note.\n" * 5)
    for i in range(200):
        (alike / f"{i}.txt").write_text(sample_texts()[0])
    cases = (
        runner.run("empty-folder", [empty]),
        runner.run("only-binaries", [binaries]),
        runner.run("too-small", [small]),
        runner.run("all-alike", [alike]),
        runner.run("all-filtered", [small, alike], "corpus.clean.min_chars=9999999"),
        runner.run("no-such-folder", [scratch / "nowhere"]),
    )
    for case in cases:
        record(result, case)
        result.claim(f"{case.name}_one_clear_line", "== 1", case.is_one_clear_line)


def claim_full_disk(result: Result, runner: Runner) -> None:
    """A full disk ends in one line, whenever it fills; with room the run goes on."""
    source, disk = runner.scratch / "plenty.txt", runner.scratch / "disk"
    source.write_text("\n\n".join(sample_texts() * 2))
    names = ("before_the_corpus", "before_training", "while_it_trains")
    claims = [f"full_disk_{name}_one_clear_line" for name in names]
    last = "full_disk_goes_on_with_more_room"
    try:
        with small_disk(disk, "1m") as grow:
            cases = [runner.run("full", [source], runs="disk")]
            grow("30m")
            cases.append(runner.run("full", [source], runs="disk"))
            grow("300m")
            ballast = Ballast(disk / "ballast", disk / "full" / "data" / "stage.json")
            ballast.start()
            cases.append(runner.run("full", [source], runs="disk"))
            ballast.drop()
            cases.append(runner.run("full", [source], runs="disk"))
    except (OSError, subprocess.CalledProcessError) as error:
        for name in (*claims, last):
            result.absent(name, "== 1", f"no small disk can be mounted here: {error}")
        return
    for case in cases:
        record(result, case)
    for name, case in zip(claims, cases[:-1], strict=True):
        result.claim(name, "== 1", case.is_one_clear_line)
    result.claim(last, "== 1", cases[-1].status == 0 and is_whole(cases[-1]))


class Ballast(threading.Thread):
    """Fills a disk to the brim as soon as a file appears."""

    def __init__(self, path: Path, awaited: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.awaited = awaited

    def run(self) -> None:
        """Wait, then write until nothing fits any more."""
        while not self.awaited.exists():
            time.sleep(0.05)
        with self.path.open("wb", buffering=0) as file:
            for n_bytes in (2**20, 2**12):
                with suppress(OSError):
                    while True:
                        file.write(bytes(n_bytes))

    def drop(self) -> None:
        """Give the room back."""
        self.join(timeout=60)
        self.path.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Any]:
    """Mount a disk in memory of a size; yields a function that makes it larger."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]
    subprocess.run([*mount, f"size={size}", "tmpfs", str(path)], check=True)
    try:
        yield lambda to: subprocess.run(
            ["mount", "-o", f"remount,size={to}", str(path)], check=True
        )
    finally:
        subprocess.run(["umount", str(path)], check=False)


def sample_texts() -> list[str]:
    """Different texts of this Python's own help, some thousand characters each."""
    topics = pydoc_data.topics.topics
    return [topics[name] for name in sorted(topics) if len(topics[name]) > 2500]


def read_facts(run: Path) -> dict[str, Any]:
    """What the run left: receipt steps, bits per byte, which stages ended."""
    facts: dict[str, Any] = {}
    if (run / "corpus" / "receipt.json").is_file():
        receipt = read_json(run / "corpus" / "receipt.json")
        facts["steps"] = receipt["steps"]
        facts["synthetic"] = receipt.get("synthetic")
        files = [step for step in receipt["steps"] if step["step"] == "files"]
        facts["encodings"] = files[0].get("encodings", {}) if files else {}
    if (run / "evaluate_base" / "evaluation.json").is_file():
        measured = read_json(run / "evaluate_base" / "evaluation.json")
        facts["bits_per_byte"] = measured["bits_per_byte"]["value"]
        facts["xz_archive"] = measured["compression"]["archive_bits_per_byte"]
    facts["stages"] = sorted(path.parent.name for path in run.glob("*/stage.json"))
    return facts


def dropped_files(case: Case) -> dict[str, str]:
    """File of the folder → reason, for whatever of it the receipt names."""
    found: dict[str, str] = {}
    for step in case.facts.get("steps", ()):
        if step["step"] in ("files", "records"):
            for reason, drop in step["reasons"].items():
                for example in drop["examples"]:
                    # folder/archive.zip!/member, folder/rows.jsonl:2
                    which = example if isinstance(example, str) else example["id"]
                    name = which.partition("/")[2].partition("!")[0]
                    found.setdefault(name.partition(":")[0], reason)
    return found


def is_whole(case: Case) -> bool:
    """The journey came to its last stage."""
    return "export" in case.facts["stages"]


def is_synthetic(case: Case) -> bool:
    """The receipt says that conversations and pairs were built from the text."""
    return bool(case.facts.get("synthetic"))


def record(result: Result, case: Case) -> None:
    """Keep the raw facts of a case."""
    said = case.said.replace(str(Path.home()), "~")
    result.runs.append(
        {"case": case.name, "status": case.status, "wall_s": case.wall_s}
        | {"said": said, "facts": case.facts}
    )


if __name__ == "__main__":
    main()
