"""Kill −9 at random moments: does a journey end with the same bytes?

python benchmarks/journey_kill.py --kills 20 --minutes 2      # about two minutes
python benchmarks/journey_kill.py --kills 3 --minutes 10      # the full journey
python benchmarks/journey_kill.py --undisturbed runs/laptop --minutes 10 --kills 3

First an uninterrupted journey, which freezes a recipe. Then that resolved recipe
again, killed with SIGKILL, whole process group, at moments drawn over the time that
the work takes, and started again each time. Both runs' artefacts are read from the
disk and compared by their hashes. A result keeps what earlier calls with other
minutes have found.
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
import time
from pathlib import Path
from typing import Any

from result import RESULTS, Result
from scratchlm.base.config import read_toml
from scratchlm.base.hashing import sha256_file
from scratchlm.base.metrics import read_metrics
from scratchlm.pipeline.events import stage_times
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.stages import STAGE_NAMES, collect_artefacts
from scratchlm.pipeline.status import read_status

SCRATCHLM = str(Path(sys.executable).with_name("scratchlm"))


def main() -> None:
    """Measure and write `results/journey_kill.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--recipe", type=Path, help="a resolved recipe, instead")
    parser.add_argument("--undisturbed", type=Path, help="a finished run, instead")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs/kill"))
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    seed = time.time_ns() if arguments.seed is None else arguments.seed
    words = [str(arguments.recipe)] if arguments.recipe else ["laptop"]
    if not arguments.recipe:
        words += ["--minutes", str(arguments.minutes)]
    words += arguments.overrides
    shutil.rmtree(arguments.runs_dir, ignore_errors=True)
    reference = arguments.undisturbed or undisturbed(words, arguments.runs_dir)
    chance = random.Random(seed)
    case = measure(reference, arguments.runs_dir, arguments.kills, chance)
    case |= {"minutes": arguments.minutes, "seed": seed}
    write_result(case)


def undisturbed(words: list[str], runs: Path) -> Path:
    """Walk from the beginning to the end without a kill."""
    finish(walk([*words, "--name", "undisturbed"], runs))
    return runs / "undisturbed"


def measure(
    reference: Path, runs: Path, n_kills: int, chance: random.Random
) -> dict[str, Any]:
    """Walk a finished run's recipe again, with kills; compare with that run."""
    times = stage_times(read_metrics(reference / "metrics.jsonl"))
    wall_s = sum(found.wall_s for found in times.values())
    recipe = reference / "recipe.toml"
    again = [str(recipe), "--name", "killed"]
    start_s = measure_start()
    moments = [
        start_s * chance.uniform(0.5, 1) + chance.uniform(0, 2 * wall_s / (n_kills + 1))
        for _ in range(n_kills)
    ]
    kills = kill_often(again, runs, moments)
    begun = time.monotonic()
    finish(walk(again, runs))
    first, second = hash_artefacts(reference), hash_artefacts(runs / "killed")
    differing = sorted(
        name for name in first | second if first.get(name) != second.get(name)
    )
    return {
        "undisturbed_wall_s": round(wall_s, 1),
        "start_s": round(start_s, 1),
        "last_wall_s": round(time.monotonic() - begun, 1),
        "kills": kills,
        "n_artefacts": len(first),
        "differing": differing,
        "recipe_sha256": sha256_file(recipe),
        "model": read_toml(recipe)["model"],
        "corpus_sha256": first["corpus/manifest.json"],
    }


def measure_start() -> float:
    """Seconds from the start of a process until it can train."""
    begun = time.monotonic()
    code = "import torch, scratchlm.pipeline.journey, scratchlm.train.loop"
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - begun


def kill_often(
    words: list[str], runs: Path, moments: list[float]
) -> list[dict[str, Any]]:
    """Start a journey and kill it, once for each moment (seconds after its start)."""
    kills: list[dict[str, Any]] = []
    while len(kills) < len(moments):
        process, after = walk(words, runs), moments[len(kills)]
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            pass
        else:  # it had ended: what is killed next is a journey from its beginning
            assert process.returncode == 0, f"ended with {process.returncode}"
            shutil.rmtree(runs / "killed")
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        where = where_it_stood(runs / "killed")
        kills.append({"after_s": round(after, 2), "in": where})
        print(f"kill {len(kills)}: after {after:.1f} s, in {where}", flush=True)
    return kills


def walk(words: list[str], runs: Path) -> subprocess.Popen[bytes]:
    """Start a journey in a process group of its own."""
    command = [SCRATCHLM, "run", *words, "--runs-dir", str(runs)]
    runs.mkdir(parents=True, exist_ok=True)
    log = (runs / "log.txt").open("ab")
    return subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a journey; it must be a good one."""
    status = process.wait()
    assert status == 0, f"the journey ended with status {status}: see log.txt"


def where_it_stood(path: Path) -> str:
    """The stage in which a killed run stopped."""
    run = RunDirectory(path)
    if not run.exists():
        return "the start"
    open_stages = [s.name for s in read_status(run).stages if s.state != "done"]
    return open_stages[0] if open_stages else "the end"


def hash_artefacts(path: Path) -> dict[str, str]:
    """Hash the artefacts as they lie on the disk, not as markers have them."""
    run = RunDirectory(path)
    assert all((run.stage(name) / "stage.json").exists() for name in STAGE_NAMES)
    return {name: sha256_file(path / name) for name in sorted(collect_artefacts(run))}


def write_result(case: dict[str, Any]) -> None:
    """Add this case to those with other minutes, and claim for each."""
    path = RESULTS / "journey_kill.json"
    known = json.loads(path.read_text())["runs"] if path.exists() else []
    cases = [old for old in known if old["minutes"] != case["minutes"]] + [case]
    cases.sort(key=lambda found: float(found["minutes"]))
    result = Result("journey_kill", {"cases": [c["recipe_sha256"] for c in cases]})
    result.runs += cases
    for found in cases:
        n_kills, name = len(found["kills"]), f"{found['minutes']:g}_min"
        wanted = 3 if found["minutes"] >= 10 else 20
        result.claim(f"kills_over_{name}", f">= {wanted}", n_kills)
        result.claim(f"artefacts_differing_{name}", "== 0", len(found["differing"]))
    print(result.write(("torch", "numpy", "safetensors")))


if __name__ == "__main__":
    main()
