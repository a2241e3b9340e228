"""What each switch of model and optimizer is worth, at equal tokens, seed against seed.

SCRATCHLM_SHARED=… python benchmarks/train_ablation.py --out runs/ablation

Every arm differs from the base in the switches that it names, and trains as many tokens
on the same batches from the same seeds; an arm's figure is the mean over the seeds of
(its held-out bits per byte - the base's), with a 95 % interval from Student's t. Trials
are appended to trials.jsonl and never repeated, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from result import Result
from train_ablation_arms import ARMS, BASE, Arm
from train_ablation_text import Tokens, load_tokens

N_HELDOUT_ROWS = 192
CURVE_POINTS = 2
LEAST_SEEDS = 3  # of a row that a claim may rest on
# two-sided 95 % points of Student's t, by degrees of freedom
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365}


@dataclass(frozen=True)
class Trial:
    """One arm with one seed."""

    arm: Arm
    seed: int

    @property
    def key(self) -> str:
        """Names the trial by what it does."""
        return json.dumps([self.arm.values, self.seed], sort_keys=True)


# ---- one trial ----


def run_trial(trial: Trial, tokens: Tokens) -> dict[str, Any]:
    """Train one model; held-out bits per byte at the end and on the way."""
    from scratchlm.model.config import ModelConfig
    from scratchlm.model.transformer import Transformer
    from scratchlm.train.config import TrainConfig
    from scratchlm.train.optimizer import Optimizer
    from scratchlm.train.schedule import lr_frac

    values = trial.arm.values
    config = TrainConfig(**values["train"])
    torch.manual_seed(trial.seed)
    sizes = {"vocab_size": tokens.vocab_size, "context_length": config.context_length}
    model = Transformer(ModelConfig(**{**sizes, **values["model"]}))
    named = dict(model.named_parameters())
    optimizer = Optimizer(named, config, d_head=model.config.d_head)
    begun, curve, losses = time.process_time(), {}, []
    for step in range(config.total_steps):
        batch = rows_of(tokens.train, config, trial.seed, step)
        loss = model.loss(*batch)
        torch.autograd.backward(loss)
        losses.append(float(loss.detach()))
        limit = config.max_grad_norm or math.inf
        torch.nn.utils.clip_grad_norm_(named.values(), limit)
        optimizer.step(step, lr_frac(config, step))
        for parameter in named.values():
            parameter.grad = None
        done = step + 1
        if done * CURVE_POINTS % config.total_steps < CURVE_POINTS:
            curve[done] = round(heldout_bits(model, tokens), 5)
    return {
        "arm": trial.arm.name,
        "seed": trial.seed,
        "bits_per_byte": curve[config.total_steps],
        "curve": curve,
        "train_loss": round(statistics.fmean(losses[-20:]), 4),
        "n_tokens": config.total_tokens,
        "cpu_s": round(time.process_time() - begun, 1),
        "key": trial.key,
    }


def rows_of(
    stream: np.ndarray, config: Any, seed: int, step: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and targets (B, T): row numbers that the seed draws once for a run."""
    length = config.context_length
    n_rows = (len(stream) - 1) // length
    order = np.random.default_rng(seed).permutation(n_rows)
    first = config.row_schedule.first_row(step)
    places = np.arange(first, first + config.row_schedule.rows(step)) % n_rows
    begins = order[places, None] * length
    rows = torch.from_numpy(stream[begins + np.arange(length + 1)])
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def heldout_bits(model: Any, tokens: Tokens) -> float:
    """Bits per byte over rows spread evenly over the held-out tokens."""
    length = model.config.context_length
    n_rows = (len(tokens.heldout) - 1) // length
    begins = np.linspace(0, n_rows - 1, N_HELDOUT_ROWS).astype(np.int64) * length
    rows = torch.from_numpy(tokens.heldout[begins[:, None] + np.arange(length + 1)])
    model.eval()
    with torch.no_grad():
        nats = [float(model.loss(p[:, :-1], p[:, 1:])) for p in rows.split(32)]
    model.train()
    return statistics.fmean(nats) * tokens.bits_per_nat_and_token


# ---- many trials ----


def read_trials(path: Path) -> dict[str, dict[str, Any]]:
    """What was measured already, by key."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {row["key"]: row for row in rows}


def run_all(arms: Iterable[Arm], n_seeds: int, out: Path) -> None:
    """Every arm with seed 0, then every arm with seed 1, …; append each at once."""
    arms, path = list(arms), out / "trials.jsonl"
    tokens = load_tokens(out, BASE.vocab_size)
    for seed in range(n_seeds):
        for arm in arms:
            trial = Trial(arm, seed)
            if trial.key in read_trials(path):
                continue
            row = run_trial(trial, tokens)
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{row['cpu_s']:6.0f} s  {seed}  {row['bits_per_byte']:.4f}  {arm}")


def paired_difference(values: list[float]) -> tuple[float, float | None]:
    """Mean, and half of its 95 % interval (None from one value)."""
    mean, n = statistics.fmean(values), len(values)
    if n < 2:
        return mean, None
    spread = statistics.stdev(values) / math.sqrt(n)
    return mean, STUDENT.get(n - 1, 2.2) * spread


def tabulate(arms: Iterable[Arm], trials: dict[str, dict[str, Any]]) -> list[dict]:
    """A row for each arm that was measured: difference from its reference, by seed."""
    rows = []
    for arm in arms:
        pairs = []
        for seed in range(32):
            one = trials.get(Trial(arm, seed).key)
            other = trials.get(Trial(ARMS[arm.reference], seed).key)
            if one and other:
                pairs.append((one["bits_per_byte"], other["bits_per_byte"]))
        if pairs:
            difference, half = paired_difference([a - b for a, b in pairs])
            mean = statistics.fmean(a for a, _ in pairs)
            rows.append(
                {"arm": arm.name, "against": arm.reference, "seeds": len(pairs)}
                | {"bits_per_byte": mean, "difference": difference, "half": half}
            )
    return rows


def main() -> None:
    """Run what is missing; print the table; write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="*", help="names, or beginnings of names")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--write", action="store_true", help="write the result file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    arms = [a for a in ARMS.values() if wanted(a, options.arms)]
    if not options.table:
        run_all(arms, options.seeds, options.out)
    trials = read_trials(options.out / "trials.jsonl")
    table = tabulate(ARMS.values(), trials)
    for row in table:
        half = "" if row["half"] is None else f" ± {row['half']:.4f}"
        print(
            f"{row['arm']:<34} {row['bits_per_byte']:.4f}  "
            f"{row['difference']:+.4f}{half}  vs {row['against']} ({row['seeds']})"
        )
    if options.write:
        write_result(table, trials, load_tokens(options.out, BASE.vocab_size))


def write_result(
    table: list[dict[str, Any]], trials: dict[str, dict[str, Any]], tokens: Tokens
) -> None:
    """The table and all raw trials, with what the defaults rest on as claims."""
    work = {
        "what": __doc__.partition("\n")[0],
        "model": BASE.model | {"vocab_size": BASE.vocab_size},
        "train": BASE.train,
        "text": {"source": tokens.source, "tokens_sha256": tokens.sha256},
        "differences_bits_per_byte": table,
    }
    result = Result("train_ablation", work)
    result.runs.extend(trials.values())
    whole = [row for row in table if row["seeds"] >= LEAST_SEEDS]
    result.claim("ablation_arms_with_3_seeds", ">= 20", len(whole))
    rates = [row for row in whole if row["arm"].startswith("adamw")]
    if rates:
        best = min(row["difference"] for row in rates)
        result.claim("ablation_best_adamw_minus_default_bits_per_byte", "> 0", best)
    else:
        why = "too few seeds were run"
        result.absent("ablation_best_adamw_minus_default_bits_per_byte", "> 0", why)
    result.write()


def wanted(arm: Arm, names: list[str] | None) -> bool:
    """Whether an arm was asked for; without names, all are."""
    return not names or any(arm.name.startswith(name) for name in names)


if __name__ == "__main__":
    main()
