"""What trials start from: a run's recipe or bare data, brought to another length.

A run gives its model, its training, its machine and its data. Bare data gives the
dial's rules instead: the modern block in a small shape. `build_trial` lays settings
over that and sees to what follows from them: steps from tokens, warm-up and decay by
their shares, parts of a batch, the width of a network whose kind has changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchlm.base.config import Config, build_config, merge
from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.process import wanted_threads
from scratchlm.pipeline.recipe import read_recipe
from scratchlm.pipeline.rules import RULES, look_up
from scratchlm.pipeline.run_directory import RunDirectory, find_run
from scratchlm.pipeline.trial import TrialConfig, TrialData, open_trial_data
from scratchlm.pipeline.trial_shape import parse_shape, resized
from scratchlm.plan.presets import laptop_config
from scratchlm.train.config import TrainConfig

SECTIONS = ("model", "train", "machine")
DATA_SHAPE = "6x128"
"""Layers x width of the model where bare data says nothing."""
CHECKPOINTS = 5
"""Checkpoints of a trial, …"""
LEAST_CHECKPOINT_STEPS = 50
"""… but not more often than this."""
LEAST_HELDOUT, MOST_HELDOUT = 1 << 13, 1 << 16
"""Bounds of the held-out tokens that a trial predicts at its end."""
QUIET = {
    "hook_every_steps": None,
    "tracking": {"view": "lines", "sanity": False, "leakage_tokens": 0},
}
"""A trial is one of many: nobody watches it."""
SHORT = {"compile": False, "ceiling_flops_per_s": None}
"""Compiling pays in long runs only, and no utilisation is reported."""

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class TrialBase:
    """Data, and the settings of a trial of which nothing else was said."""

    name: str
    data: TrialData
    values: dict[str, Any]
    """Sections model (final), train and machine (before what was said)."""
    said: dict[str, Any]
    """What a person asked for: it wins over what would follow."""

    @property
    def model(self) -> ModelConfig:
        """The model."""
        return ModelConfig.model_validate(self.values["model"])

    @property
    def tokens(self) -> int | None:
        """Tokens that the recipe trains on; None of bare data."""
        if "total_steps" not in self.values["train"]:
            return None
        return TrainConfig.model_validate(self.values["train"]).total_tokens


def find_base(
    reference: str,
    runs_directory: Path,
    overrides: Settings,
    *,
    shape: str | None = None,
    tokenizer: Path | None = None,
) -> TrialBase:
    """Find a run or shards, and what trials on them are like.

    Args:
        reference: a run's name or folder, or a folder of shards.
        runs_directory: where runs stand.
        overrides: settings of the baseline, nested: sections model, train, machine.
        shape: "LAYERSxWIDTH" of the model, in the style of the run's.
        tokenizer: of bare shards.

    Raises:
        UserError: nothing of that name, no data in it, or a section that is unknown.
    """
    unknown = sorted(set(overrides) - set(SECTIONS))
    if unknown:
        raise UserError(
            f"a trial has no section {unknown[0]!r}; it has {', '.join(SECTIONS)}"
        )
    if (Path(reference) / "shards.json").is_file():
        name = Path(reference).resolve().name
        data = open_trial_data(Path(reference), tokenizer)
        values = _values_of_data(data)
    else:
        run = find_run(runs_directory, reference)
        name, data = run.name, open_trial_data(run.stage("data"), tokenizer)
        values = _values_of_run(run)
    values["model"] = _base_model(values["model"], overrides.get("model", {}), shape)
    return TrialBase(name, data, values, dict(overrides))


def build_trial(
    base: TrialBase,
    tokens: int,
    seed: int,
    settings: Settings | None = None,
    heldout_tokens: int | None = None,
) -> TrialConfig:
    """The trial of a base with some settings changed.

    Args:
        base: what it starts from.
        tokens: to train on, rounded down to whole steps.
        seed: of the weights and of the data's order.
        settings: nested; laid over the base and over what was said of it.
        heldout_tokens: to predict at the end; None goes by the tokens.

    Raises:
        UserError: an unknown or impossible setting.
    """
    said = merge(base.said, settings or {})
    if "total_steps" in said.get("train", {}):
        raise UserError("train.total_steps follows from the tokens: set those instead")
    changed = (settings or {}).get("model", {})
    before = base.values["train"]
    values = merge(base.values, said)
    values["model"] = _follow_model(base.values["model"], changed)
    values["train"] = _follow_training(before, said.get("train", {}), tokens)
    values["train"]["seed"] = seed
    values["heldout_tokens"] = heldout_tokens or heldout_size(tokens)
    return build_config(TrialConfig, values, "trial")


def _values_of_run(run: RunDirectory) -> dict[str, Any]:
    if not run.recipe_path.exists():
        raise UserError(
            f"run {run.name} has no resolved recipe yet; continue it with: "
            f"scratchlm run {run.name}"
        )
    recipe = read_recipe(run.recipe_path).model_dump(mode="json")
    values = {section: recipe[section] for section in SECTIONS}
    return merge(values, {"machine": SHORT})


def _values_of_data(data: TrialData) -> dict[str, Any]:
    n_layers, width = parse_shape(DATA_SHAPE)
    model = laptop_config(n_layers, d_model=width, vocab_size=data.vocab_size)
    return {
        "model": model.model_dump(mode="json"),
        "train": {"context_length": model.context_length},
        "machine": {"threads": wanted_threads()},
    }


def _base_model(values: Settings, said: Settings, shape: str | None) -> dict[str, Any]:
    if shape is not None:
        model = ModelConfig.model_validate(values)
        values = resized(model, *parse_shape(shape)).model_dump(mode="json")
    followed = {"model": _follow_model(values, said)}
    return build_config(_ModelOnly, followed, "trial").model.model_dump(mode="json")


class _ModelOnly(Config):
    """So that a mistake is called model.key."""

    model: ModelConfig


def _follow_model(before: Settings, said: Settings) -> dict[str, Any]:
    """Settings of a model, with what follows from those that were said."""
    values = dict(merge(before, said))
    if {"n_heads", "d_model"} & set(said) and "d_head" not in said:
        values.pop("d_head", None)
    if "d_ff" not in said and "mlp" in said:
        gated = {"swiglu": 3}  # matrices of the network; the others have two
        old, new = (gated.get(kind, 2) for kind in (before["mlp"], said["mlp"]))
        if old != new:
            values["d_ff"] = equal_width(before["d_ff"], old, new)
    return values


def heldout_size(tokens: int) -> int:
    """Held-out tokens for a training of so many: an eighth, within bounds."""
    return min(MOST_HELDOUT, max(LEAST_HELDOUT, tokens // 8))


def parse_tokens(text: str) -> int:
    """Read a number of tokens: `parse_tokens("2M") == 2_000_000`.

    Raises:
        UserError: it is none above zero.
    """
    units = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
    found = re.fullmatch(r"\s*([0-9_.]+(?:e[0-9]+)?)\s*([kmgb]?)\s*", text.lower())
    try:
        number = float(found[1]) * units[found[2]] if found else 0.0
    except ValueError:
        number = 0.0
    if not 1 <= number < 1e18:
        raise UserError(f"{text!r} is no number of tokens; write 500k or 2M")
    return round(number)


def equal_width(d_ff: int, n_before: int, n_after: int) -> int:
    """Width at which as many parameters stand in so many matrices, in multiples of 8.

    `equal_width(512, 3, 2) == 768`: a gate costs a third of the network.
    """
    return max(8, round(d_ff * n_before / n_after / 8) * 8)


def _follow_training(before: Settings, said: Settings, tokens: int) -> dict[str, Any]:
    """Settings of a training that takes so many tokens."""
    train = dict(merge(before, said))
    length = int(train["context_length"])
    if "batch_size" not in train:
        train["batch_size"] = max(1, look_up(RULES.tokens_per_step, tokens) // length)
    rows = int(train["batch_size"])
    stages = _scaled_stages(before, said, tokens)
    spent = sum(n_steps * n_rows for n_steps, n_rows in stages)
    steps = max(1, (tokens // length - spent) // rows) + sum(n for n, _ in stages)
    for key, share in _shares(before).items():
        if key not in said:
            train[key] = int(share * steps)
    if "micro_batch_size" not in said:
        most = train.get("micro_batch_size")
        most = most or max(1, RULES.max_micro_batch_tokens // length)
        train["micro_batch_size"] = largest_part(rows, int(most))
    every = max(LEAST_CHECKPOINT_STEPS, steps // CHECKPOINTS)
    own: dict[str, Any] = {"total_steps": steps, "checkpoint_every_steps": every}
    own |= {"batch_stages": stages} if stages else {}
    return {**train, **own, **QUIET}


def _scaled_stages(before: Settings, said: Settings, tokens: int) -> list[list[int]]:
    """The recipe's growing batches, as many steps longer as the training."""
    if "batch_stages" in said or not before.get("batch_stages"):
        return [list(stage) for stage in said.get("batch_stages", ())]
    longer = tokens / TrainConfig.model_validate(before).total_tokens
    return [[max(1, round(n * longer)), rows] for n, rows in before["batch_stages"]]


def _shares(train: Settings) -> dict[str, float]:
    """Warm-up and decay as shares of the steps: the recipe's, or the dial's."""
    steps = train.get("total_steps")
    if not steps:
        return {
            "warmup_steps": RULES.warmup_share,
            "decay_steps": RULES.decay_share,
        }
    keys = ("warmup_steps", "decay_steps", "momentum_warmup_steps")
    return {key: train[key] / steps for key in keys if key in train}


def largest_part(rows: int, most: int) -> int:
    """The largest divisor of `rows` that is at most `most`."""
    return next(n for n in range(min(rows, most), 0, -1) if rows % n == 0)
