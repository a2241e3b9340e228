"""Tokens a second beside nanoGPT at equal mathematics, on this machine's processor.

python benchmarks/train_speed.py --nanogpt DIR      # all shapes, writes the result
    --shapes 12m-256  --rounds 3                # the others' claims: not measured
    --only ours,float32                         # a look at some modes; writes nothing
    --smoke                                             # a minute; writes nothing

GPT-2's shape, the same initial weights, the same batches, AdamW as nanoGPT has it.
Each mode lives in a process of its own; a round lets each of them take one step, in an
order that turns, and a ratio is the median over rounds of the ratio within a round.
nanoGPT runs as it is and with what we give it: bfloat16 by autocast, our allocator
setting, `torch.compile`; where the processor does not multiply bfloat16 itself, only
without and with all of these. A mode less than half as fast as the best of its trainer
is timed in the first rounds only. The ceiling that utilisation is held against is
measured in each round too: the model's own products, alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from result import Result
from scratchlm.pipeline.calibrate import has_fast_bfloat16
from scratchlm.pipeline.process import wanted_threads
from train_peers import (
    ADAMW,
    build_nanogpt,
    check_checkout,
    compiler_environment,
    gpt2_config,
    remove_torn,
)
from train_speed_trainers import (
    SLOW_ROUNDS,
    Mode,
    Shape,
    Trainer,
    best_of,
    by_name,
    in_turn,
    loss_difference,
    ratio,
    running,
    utilisation,
)
from train_text import batch_at, prepare_text

WORKER = Path(__file__).with_name("train_speed_worker.py")
ROUNDS, WARM_UP_STEPS = 6, 1
PREPARED_STEPS = 24
MOST_LOSS_DIFFERENCE = 0.0098
"""Bits of bfloat16 alone moved the loss by so much within 40 steps, at most."""


SHAPES = {
    "12m-256": Shape(gpt2_config(6, 384, 6, 4096, 256), 32),
    "12m-512": Shape(gpt2_config(6, 384, 6, 4096, 512), 16),
    "30m-512": Shape(gpt2_config(8, 512, 8, 8192, 512), 8),
}
SMOKE = {"smoke": Shape(gpt2_config(2, 64, 2, 4096, 64), 8)}


def main() -> None:
    """Measure what is asked for; write the result where all was."""
    arguments = parse_arguments()
    commit = check_checkout(arguments.nanogpt, "karpathy/nanoGPT")
    remove_torn()
    shapes = SMOKE if arguments.smoke else SHAPES
    rounds = 2 if arguments.smoke else arguments.rounds
    chosen = [n for n in shapes if not arguments.shapes or n in arguments.shapes]
    only, threads = arguments.only, 1 if arguments.smoke else wanted_threads()
    wanted = [m for m in modes(threads) if not only or any(w in m.name for w in only)]
    measured = {
        name: measure_shape(shapes[name], arguments.nanogpt, rounds, wanted)
        for name in chosen
    }
    for name, trainers in measured.items():
        print_table(name, shapes[name], trainers)
    if not only and not arguments.smoke:
        build_result(measured, commit, rounds).write()


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nanogpt", type=Path, required=True, help="its checkout")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--shapes", type=_words, default=(), help="of " + str([*SHAPES])
    )
    parser.add_argument("--only", type=_words, default=(), help="words of modes' names")
    parser.add_argument("--smoke", action="store_true")
    return parser.parse_args()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def modes(threads: int) -> list[Mode]:
    """Every mode of ours and of nanoGPT's, and the ceilings."""
    found = []
    for dtype in ("float32", "bfloat16"):
        machine = {"dtype": dtype, "threads": threads}
        fast = dtype == "float32" or has_fast_bfloat16("cpu")
        if fast:
            found += our_modes(machine)
            found.append(Mode(f"ceiling {dtype}", "ceiling", machine, True))
        for compiled, allocator in itertools.product((False, True), repeat=2):
            if fast or compiled == allocator:
                extras = " + compile" * compiled + " + allocator" * allocator
                name = f"nanogpt {dtype}{extras}"
                found.append(Mode(name, "nanogpt", machine, allocator, compiled))
    return found


def our_modes(machine: Mapping[str, Any]) -> list[Mode]:
    """Ours in a precision: plain, and with each choice that a recipe may freeze."""
    choices: dict[str, dict[str, Any]] = {
        "": {},
        " + sdpa": {"attention": "sdpa"},
        " + chunked": {"weight_gradient": "chunked"},
        " + compile": {"compile": True},
    }
    name = f"ours {machine['dtype']}"
    return [
        Mode(name + word, "ours", {**machine, **choice}, allocator=True)
        for word, choice in choices.items()
    ]


def measure_shape(
    shape: Shape, checkout: Path, rounds: int, wanted: Sequence[Mode]
) -> list[Trainer]:
    """Start every mode, let them take turns, end them."""
    with tempfile.TemporaryDirectory() as scratch:
        files = write_inputs(shape, checkout, Path(scratch))
        trainers = [start(mode, shape, checkout, files) for mode in wanted]
        try:
            for trainer in trainers:
                for _ in range(WARM_UP_STEPS):
                    trainer.step(timed=False)
            for at in range(rounds):
                for trainer in in_turn(running(trainers, at), at):
                    trainer.step(timed=True)
            for trainer in trainers:
                trainer.stop()
        finally:
            for trainer in trainers:
                trainer.process.kill()
    return trainers


def write_inputs(shape: Shape, checkout: Path, folder: Path) -> dict[str, str]:
    """The initial weights and the batches of all trainers, as files."""
    text = prepare_text(shape.model.vocab_size)
    batches = [
        batch_at(text.train, step, shape.rows, shape.model.context_length)
        for step in range(PREPARED_STEPS)
    ]
    tokens, targets = (np.stack(part) for part in zip(*batches, strict=True))
    np.savez(folder / "batches.npz", tokens=tokens, targets=targets)
    weights = build_nanogpt(checkout, shape.model).state_dict()
    separate = {name: tensor.clone() for name, tensor in weights.items()}
    save_file(separate, folder / "weights.safetensors")
    return {
        "batches": str(folder / "batches.npz"),
        "weights": str(folder / "weights.safetensors"),
    }


def start(
    mode: Mode, shape: Shape, checkout: Path, files: Mapping[str, str]
) -> Trainer:
    """Start a trainer and wait until it is ready."""
    spec = {
        "trainer": mode.trainer,
        "machine": mode.machine,
        "allocator": mode.allocator,
        "compile": mode.compile,
        "model": shape.model.model_dump(mode="json"),
        "checkout": str(checkout),
        "n_rows": shape.tokens_per_step,
        **files,
    }
    process = subprocess.Popen(
        [sys.executable, str(WORKER), json.dumps(spec)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=compiler_environment(),
    )
    trainer = Trainer(mode, process)
    trainer.startup_s = trainer.hear()["startup_s"]
    return trainer


def print_table(name: str, shape: Shape, trainers: Sequence[Trainer]) -> None:
    """One line a mode."""
    print(f"\n{name}: {shape.model.n_parameters:,} parameters")
    for t in trainers:
        rate = shape.tokens_per_step / statistics.median(t.seconds)
        line = f"  {t.mode.name:40} {rate:9,.0f} tokens/s"
        if t.mode.trainer == "ceiling":
            limit = statistics.median(t.flops_per_s) / 1e9
            line = f"  {t.mode.name:40} {limit:9,.0f} GFLOP/s"
        elif any(f"ceiling {t.mode.machine['dtype']}" == o.mode.name for o in trainers):
            line += f"  {utilisation(shape, t, trainers):6.1%} of the ceiling"
        if t.losses:
            line += f"  loss {t.losses[0]:.4f} … {t.losses[-1]:.4f}"
        print(line + f"  {t.peak_mb or 0} MB")


def instruction_set() -> str:
    """The widest matrix instructions that torch's kernels may use here."""
    if getattr(torch.cpu, "_is_amx_tile_supported", bool)():
        return "AMX"
    if getattr(torch.cpu, "_is_avx512_bf16_supported", bool)():
        return "AVX512_BF16"
    return torch.backends.cpu.get_cpu_capability()


def build_result(
    measured: Mapping[str, Sequence[Trainer]], commit: str, rounds: int
) -> Result:
    """Raw figures and one claim for each that is wanted."""
    work = {
        "instruction_set": instruction_set(),
        "peer": f"karpathy/nanoGPT@{commit}",
        "optimizer": ADAMW,
        "rounds": rounds,
        "slow_rounds": SLOW_ROUNDS,
        "load_before": os.getloadavg()[0],
        "flops": "6 per parameter multiplied and causal attention; not the square",
    } | {
        name: SHAPES[name].model.model_dump(mode="json")
        | {"rows": SHAPES[name].rows}
        | prepare_text(SHAPES[name].model.vocab_size).describe()
        for name in measured
    }
    result = Result("train_speed", work)
    for name, trainers in measured.items():
        result.runs += [describe(name, SHAPES[name], t) for t in trainers]
        claim(result, name, trainers)
    for name in [name for name in SHAPES if name not in measured]:
        for what, goal in goals().items():
            result.absent(f"{_word(name)}_{what}", goal, "this shape was left out")
    for what, goal in (
        ("h200_124m_vs_plain_compiled_loop", ">= 1.3"),
        ("h200_124m_utilisation_frac", ">= 0.5"),
        ("h200_124m_loss_after_5_minutes", "> 0"),
    ):
        result.absent(what, goal, "this machine has no NVIDIA GPU")
    return result


def describe(name: str, shape: Shape, trainer: Trainer) -> dict[str, Any]:
    """Every raw figure of a trainer."""
    return {
        "shape": name,
        "mode": trainer.mode.name,
        "machine": dict(trainer.mode.machine),
        "tokens_per_step": shape.tokens_per_step,
        "step_s": trainer.seconds,
        "loss": trainer.losses,
        "flops_per_s": trainer.flops_per_s,
        "startup_s": trainer.startup_s,
        "peak_mb": trainer.peak_mb,
    }


def goals() -> dict[str, str]:
    """What is wanted of a shape, which depends on the instruction set."""
    amx = instruction_set() == "AMX"
    return {
        "vs_nanogpt_bfloat16": ">= 1.8" if amx else ">= 1.5",
        "vs_nanogpt_best": ">= 1.4" if amx else ">= 1.3",
        "vs_nanogpt_float32": ">= 2.5",
        "utilisation_frac": ">= 0.4" if amx else ">= 0.7",
        "largest_loss_difference": f"<= {MOST_LOSS_DIFFERENCE}",
    }


def claim(result: Result, name: str, trainers: Sequence[Trainer]) -> None:
    """Hold a shape's figures against their goals."""
    ours = best_of(trainers, "ours")
    plain = by_name(trainers, "nanogpt float32")
    values = {
        "vs_nanogpt_bfloat16": ratio(ours, by_name(trainers, "nanogpt bfloat16")),
        "vs_nanogpt_best": ratio(ours, best_of(trainers, "nanogpt")),
        "vs_nanogpt_float32": ratio(ours, plain),
        "utilisation_frac": utilisation(SHAPES[name], ours, trainers),
        "largest_loss_difference": loss_difference(ours, plain),
    }
    for what, goal in goals().items():
        result.claim(f"{_word(name)}_{what}", goal, values[what])


def _word(shape: str) -> str:
    return shape.replace("-", "_")


if __name__ == "__main__":
    main()
