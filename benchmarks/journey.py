"""The journey's figures: walk it (or read a finished walk) and hold it to its goals.

python benchmarks/journey.py                       # walks for ten minutes
python benchmarks/journey.py --run runs/laptop --demo-wall-s 812

Beside `results/journey.json` it draws that run's loss curve for the README.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from result import Result
from scratchlm.base.atomic import read_json, write_text
from scratchlm.base.config import read_toml
from scratchlm.base.hashing import sha256_file
from scratchlm.base.metrics import read_metrics
from scratchlm.pipeline.events import stage_times
from scratchlm.pipeline.report import loss_curve_svg

SCRATCHLM = str(Path(sys.executable).with_name("scratchlm"))
FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "loss_curve.svg"
PROTOTYPE_F1 = {"asked": 0.198, "unasked": 0.202, "heldout": 0.134}


def main() -> None:
    """Measure and write `results/journey.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a finished run directory")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--demo-wall-s", type=float, help="wall time of make demo")
    parser.add_argument("--test-wall-s", type=float, help="wall time of the tests")
    arguments = parser.parse_args()
    run = arguments.run or walk(arguments.minutes)
    recipe = read_toml(run / "recipe.toml")
    work = {"recipe": recipe, "corpus": sha256_file(run / "corpus" / "manifest.json")}
    result = Result("journey", work)
    claim_times(result, run, arguments.demo_wall_s, arguments.test_wall_s)
    claim_again(result, run)
    claim_text(result, run)
    claim_answers(result, run)
    claim_preferences(result, run)
    claim_quantized(result, run)
    draw_figure(result, run)
    print(result.write(("torch", "numpy", "safetensors", "gguf")))


def walk(minutes: float) -> Path:
    """Walk a fresh journey."""
    runs = Path("runs")
    name = f"journey-{time.strftime('%Y%m%d-%H%M%S')}"
    command = [SCRATCHLM, "run", "laptop", "--minutes", str(minutes), "--name", name]
    subprocess.run([*command, "--runs-dir", str(runs)], check=True)
    return runs / name


def claim_times(
    result: Result, run: Path, demo_s: float | None, test_s: float | None
) -> None:
    """How long each stage, the whole, the help and the tests took."""
    times = stage_times(read_metrics(run / "metrics.jsonl"))
    walls = {name: round(found.wall_s, 2) for name, found in times.items()}
    result.runs.append({"stage_wall_s": walls})
    wanted = recipe_minutes(run)
    result.claim("journey_wall_min", f"<= {2 * wanted:g}", sum(walls.values()) / 60)
    optional(result, "demo_wall_min", "<= 20", demo_s, "--demo-wall-s was not given")
    optional(result, "test_wall_min", "<= 4", test_s, "--test-wall-s was not given")
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([SCRATCHLM, "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    result.runs.append({"help_wall_s": [round(s, 3) for s in seconds]})
    result.claim("help_wall_s", "< 0.3", sorted(seconds)[2])


def claim_again(result: Result, run: Path) -> None:
    """A finished run that is asked for again says so and ends in seconds."""
    command = [SCRATCHLM, "run", run.name, "--runs-dir", str(run.parent)]
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    result.runs.append({"again_wall_s": round(seconds, 2), "says": done.stdout[-400:]})
    result.claim("again_wall_s", "<= 10", seconds)
    result.claim("again_is_up_to_date", "== 1", "up to date" in done.stdout)


def draw_figure(result: Result, run: Path) -> None:
    """Draw the loss curve of this very run, and note which drawing it is."""
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    write_text(FIGURE, loss_curve_svg(read_metrics(run / "metrics.jsonl")))
    result.runs.append({"figure_sha256": sha256_file(FIGURE)})


def optional(
    result: Result, name: str, goal: str, seconds: float | None, why: str
) -> None:
    """Claim a wall time in minutes that was measured outside, if it was."""
    if seconds is None:
        result.absent(name, goal, why)
    else:
        result.claim(name, goal, seconds / 60)


def claim_text(result: Result, run: Path) -> None:
    """Bits per byte on the held-out modules against xz."""
    base = read_json(run / "evaluate_base" / "evaluation.json")
    chat = read_json(run / "evaluate_chat" / "evaluation.json")
    packed = base["compression"]
    value = base["bits_per_byte"]["value"]
    each = packed["per_file_bits_per_byte"]
    archive = packed["archive_bits_per_byte"]
    result.runs.append(
        {
            "base_bits_per_byte": base["bits_per_byte"],
            "chat_bits_per_byte": chat["bits_per_byte"],
            "xz_each_bits_per_byte": each,
            "xz_archive_bits_per_byte": archive,
        }
    )
    result.claim("base_bits_per_byte_vs_xz_each_file", f"< {each}", value)
    result.claim("base_bits_per_byte_vs_xz_archive", f"< {archive}", value)
    result.claim("base_bits_per_byte_vs_prototype", "< 1.6", value)


def claim_answers(result: Result, run: Path) -> None:
    """Do answers stop, differ, and beat straw men?"""
    chat = read_json(run / "evaluate_chat" / "evaluation.json")
    for kind, judged in chat["kinds"].items():
        figures = {k: v for k, v in judged.items() if k != "examples"}
        result.runs.append({"kind": kind, "answers": figures})
        result.claim(f"{kind}_questions", ">= 200", judged["n"])
        result.claim(f"{kind}_stop_frac", ">= 0.95", judged["stop_frac"])
        result.claim(f"{kind}_distinct_frac", ">= 0.5", judged["distinct_frac"])
        if kind in PROTOTYPE_F1:
            goal = f"> {PROTOTYPE_F1[kind]}"
            result.claim(f"{kind}_f1_vs_prototype", goal, judged["f1"]["value"])
        if kind == "heldout":
            continue  # shown beside the others; no goal against straw men
        for straw in ("constant", "shuffled"):
            low = judged[f"over_{straw}"]["low"]
            result.claim(f"{kind}_f1_over_{straw}_low", "> 0", low)
    for kind, change in chat["change"].items():
        # it falls if the whole interval lies below zero
        result.claim(f"{kind}_f1_change_by_dpo_high", "> 0", change["high"])


def claim_preferences(result: Result, run: Path) -> None:
    """Does DPO raise the accuracy on held-out pairs of each kind?"""
    for kind, found in read_json(run / "evaluate_chat" / "preferences.json").items():
        result.runs.append({"kind": kind, "preferences": found})
        change: dict[str, Any] = found["change_frac"]
        result.claim(f"{kind}_accuracy_change", "> 0", change["value"])
        if kind == "hard":
            result.claim("hard_accuracy_change_low", "> 0", change["low"])


def claim_quantized(result: Result, run: Path) -> None:
    """What four bits cost and save."""
    measured = read_json(run / "quantize" / "evaluation.json")
    receipt = read_json(run / "quantize" / "receipt.json")
    result.runs.append({"quantized": measured, "file_bytes": receipt["file_bytes"]})
    ratio = measured["ratio"]
    result.claim("quantized_bits_per_byte_ratio", "<= 1.03", ratio)
    result.claim("bf16_over_4_bit_file_ratio", "> 1", receipt["file_bytes"]["ratio"])


def recipe_minutes(run: Path) -> float:
    """The minutes that were asked for."""
    return float(read_toml(run / "recipe.toml").get("minutes", 10))


if __name__ == "__main__":
    main()
