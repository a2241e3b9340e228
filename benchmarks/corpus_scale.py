"""A build that grows, within a memory, on other workers, killed and started again.

SCRATCHLM_SHARED=… python benchmarks/corpus_scale.py [--only linear,memory,ray,kill]

Text is made by drawing paragraphs of the shared books into new documents of about
5 kB (so it has the words of real text, not its course), with a constant share of
exact and near copies; 1 GB holds the 0.5 GB that hold the 0.25 GB. Every build is the
command line's, in processes of its own:

- linear: the time of 0.25, 0.5 and 1 GB, two workers, twice in turns;
- memory: 1 GB with --memory 100MB; the peak of all processes of the build together
  (proportional set size, sampled ten times a second);
- ray: the bytes of a build on Ray and of a local one, one worker of each killed;
- kill: the whole build killed with SIGKILL at random moments, locally and on Ray,
  and started again until it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from result import RESULTS, Result, commit
from scratchlm.corpus.store import Corpus

SCRATCHLM = str(Path(sys.executable).with_name("scratchlm"))
SIZES = (250_000_000, 500_000_000, 1_000_000_000)
DOCUMENT_BYTES = 5000
EXACT_FRAC, NEAR_FRAC = 0.04, 0.06
PART_BYTES = 50_000_000
MEMORY_MB = 100
PARTS = ("linear", "memory", "ray", "kill")


def paragraphs() -> list[str]:
    """Paragraphs of the shared books, without repeats."""
    import lzma

    folder = Path(os.environ["SCRATCHLM_SHARED"]) / "data" / "pretrain"
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("books-*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                text = json.loads(line)["text"]
                for piece in text.split("\n\n"):
                    if 200 <= len(piece) <= 2000:
                        found[piece.strip()] = None
    return list(found)


def documents(pieces: Sequence[str], seed: int = 0) -> Iterator[str]:
    """New documents for ever, some of them copies of one of the last thousand."""
    draw = random.Random(seed)
    recent: list[str] = []
    while True:
        chance = draw.random()
        if recent and chance < EXACT_FRAC:
            yield draw.choice(recent)
            continue
        if recent and chance < EXACT_FRAC + NEAR_FRAC:
            words = draw.choice(recent).split(" ")
            for _ in range(len(words) // 200 + 1):
                words[draw.randrange(len(words))] = "changed"
            yield " ".join(words)
            continue
        chosen: list[str] = []
        size = 0
        while size < DOCUMENT_BYTES:
            chosen.append(draw.choice(pieces))
            size += len(chosen[-1])
        text = "\n\n".join(chosen)
        recent = [*recent[-999:], text]
        yield text


def write_text(folder: Path, most_bytes: int) -> None:
    """Parts of 50 MB of jsonl, so that a size is a number of parts."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = documents(paragraphs())
    for number in range(most_bytes // PART_BYTES):
        path, written = folder / f"part-{number:03d}.jsonl", 0
        with path.open("w", encoding="utf-8") as file:
            while written < PART_BYTES:
                line = json.dumps({"text": next(stream)}, ensure_ascii=False) + "\n"
                file.write(line)
                written += len(line.encode())


def command(text: Path, n_parts: int, out: Path, *more: str) -> list[str]:
    """The build of the first parts."""
    paths = [str(text / f"part-{number:03d}.jsonl") for number in range(n_parts)]
    return [SCRATCHLM, "corpus", "build", *paths, "--out", str(out), *more]


class Watch:
    """The peak memory of a process and all below it, while it runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.peak_bytes = 0
        self._process = process
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while self._process.poll() is None:
            try:
                root = psutil.Process(self._process.pid)
                family = [root, *root.children(recursive=True)]
                total = sum(one.memory_full_info().pss for one in family)
                self.peak_bytes = max(self.peak_bytes, total)
            except psutil.Error:
                pass
            time.sleep(0.1)


def run(words: Sequence[str]) -> dict[str, Any]:
    """Run a build to its end: time, peak memory, status."""
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    watch = Watch(process)
    output, _ = process.communicate()
    if process.returncode:
        print(output.decode(errors="replace")[-2000:])
    return {
        "status": process.returncode,
        "wall_s": round(time.perf_counter() - begun, 2),
        "peak_pss_mb": round(watch.peak_bytes / 1e6, 1),
    }


def hashes(out: Path) -> dict[str, str]:
    """The files of a corpus by hash, after they were all read again."""
    corpus = Corpus.open(out)
    corpus.verify()
    files: dict[str, str] = corpus.manifest["files"]
    return files


def measure_linear(text: Path, scratch: Path, result: Result, turns: int) -> None:
    """The slope between sizes, in seconds a GB."""
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for turn in range(turns):
        for size in SIZES:
            out = scratch / "linear"
            found = run(command(text, size // PART_BYTES, out))
            result.runs.append({"part": "linear", "bytes": size, "turn": turn, **found})
            times[size].append(found["wall_s"])
            clear(out)
    low, middle, high = (min(times[size]) for size in SIZES)
    first = (middle - low) / (SIZES[1] - SIZES[0]) * 1e9
    second = (high - middle) / (SIZES[2] - SIZES[1]) * 1e9
    result.work["slopes_s_per_gb"] = [round(first, 1), round(second, 1)]
    result.claim("linear_slope_ratio", "<= 1.25", second / first)
    result.claim("seconds_per_gb", "> 0", (high - low) / (SIZES[2] - SIZES[0]) * 1e9)


def measure_memory(text: Path, scratch: Path, result: Result) -> None:
    """The peak over the setting; the result is the same as with much memory."""
    n_parts = SIZES[2] // PART_BYTES
    small, large = scratch / "small", scratch / "large"
    found = run(command(text, n_parts, small, "--memory", f"{MEMORY_MB}MB"))
    result.runs.append({"part": "memory", "memory_mb": MEMORY_MB, **found})
    result.claim(
        "peak_over_memory_setting_mb", "<= 250", found["peak_pss_mb"] - MEMORY_MB
    )
    result.runs.append({"part": "memory", **run(command(text, n_parts, large))})
    same = hashes(small) == hashes(large)
    result.claim("memory_changes_no_byte", "== 1", same)
    clear(small, large)


def measure_ray(text: Path, scratch: Path, result: Result) -> None:
    """Local and on Ray, undisturbed and with a worker killed: the same bytes."""
    expected = None
    for name, more, kill in (
        ("local", ("--workers", "2"), None),
        ("ray", ("--on", "ray", "--workers", "2"), None),
        ("local, a worker killed", ("--workers", "2"), kill_pool_worker),
        ("ray, a worker killed", ("--on", "ray", "--workers", "2"), kill_ray_worker),
    ):
        out = scratch / "ray"
        words = command(text, 2, out, *more)
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        n_killed = kill(process) if kill else 0
        status = process.wait()
        found = hashes(out) if status == 0 else {}
        expected = expected or found
        same = bool(found) and found == expected
        result.runs.append(
            {"part": "ray", "case": name, "killed": n_killed, "status": status,
             "same": same}
        )  # fmt: skip
        if kill or name != "local":
            result.claim(f"same_bytes: {name}", "== 1", same and (not kill or n_killed))
        clear(out)


def kill_pool_worker(process: subprocess.Popen[bytes]) -> int:
    """Kill one worker of a local pool while it works."""
    return _kill_one(process, lambda words: "spawn_main" in " ".join(words))


def kill_ray_worker(process: subprocess.Popen[bytes]) -> int:
    """Kill one worker of Ray while it runs a task of ours."""
    return _kill_one(process, lambda words: bool(words) and "run_call" in words[0])


def _kill_one(process: subprocess.Popen[bytes], is_worker: Any) -> int:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                busy = is_worker(child.cmdline()) and child.cpu_times().user > 1.5
            except psutil.Error:
                continue
            if busy:
                child.kill()
                return 1
        time.sleep(0.05)
    return 0


def measure_kills(text: Path, scratch: Path, result: Result, kills: int) -> None:
    """The driver and all its workers killed, again and again."""
    for place, more in (("local", ()), ("ray", ("--on", "ray", "--workers", "2"))):
        out = scratch / "kill"
        words = command(text, 2, out, *more)
        assert subprocess.run(words, stdout=subprocess.DEVNULL).returncode == 0
        expected = hashes(out)
        clear(out)
        draw, n_killed = random.Random(5), 0
        for _ in range(kills):
            process = subprocess.Popen(
                words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            enough = count_done(out) + draw.randint(1, 5)
            while process.poll() is None and count_done(out) < enough:
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.3))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                n_killed += 1
        status = subprocess.run(words, stdout=subprocess.DEVNULL).returncode
        same = status == 0 and hashes(out) == expected
        case = {"part": "kill", "place": place, "killed": n_killed, "same": same}
        result.runs.append(case)
        result.claim(f"same_bytes_after_kills: {place}", "== 1", same and n_killed > 0)
        clear(out)
        ray = str(Path(sys.executable).with_name("ray"))
        subprocess.run([ray, "stop", "--force"], capture_output=True, check=False)


def count_done(out: Path) -> int:
    """Tasks of a build that are done."""
    return len(list(out.with_name(f"{out.name}.work").glob("*/*/done.json")))


def keep_others(result: Result, parts: Sequence[str]) -> None:
    """Keep what an earlier call found in other parts, with its commit."""
    path = RESULTS / "corpus_scale.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    if not before:
        return
    of = {} if before["commit"] == commit() else {"commit": before["commit"]}
    made = {claim["claim"] for claim in result.claims}
    kept = [run for run in before["runs"] if run["part"] not in parts]
    result.runs += [{**of, **run} for run in kept]
    left = [claim for claim in before["claims"] if claim["claim"] not in made]
    result.claims += [{**of, **claim} for claim in left]
    result.work = {**before["work"], **result.work}


def clear(*folders: Path) -> None:
    """Delete corpora and their work."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name(f"{folder.name}.work"), ignore_errors=True)


def main() -> None:
    """Measure and write `results/corpus_scale.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--text", type=Path, help="where to keep the text made")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--kills", type=int, default=6)
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    work = {
        "text": "paragraphs of the shared books recombined, seed 0",
        "exact_copies_frac": EXACT_FRAC,
        "near_copies_frac": NEAR_FRAC,
    }
    result = Result("corpus_scale", work)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        text = arguments.text or scratch / "text"
        if not (text / f"part-{SIZES[2] // PART_BYTES - 1:03d}.jsonl").exists():
            write_text(text, SIZES[2])
        if "linear" in parts:
            measure_linear(text, scratch, result, arguments.turns)
        if "memory" in parts:
            measure_memory(text, scratch, result)
        if "ray" in parts:
            measure_ray(text, scratch, result)
        if "kill" in parts:
            measure_kills(text, scratch, result, arguments.kills)
    keep_others(result, parts)
    result.write(["numpy", "pyarrow", "ray"])


if __name__ == "__main__":
    main()
