"""A recipe in small: its style kept, its sizes a second's work.

Kept is what decides how a run goes on after a kill: the block's switches, dropout,
optimizer, schedule's form, accumulation, packing, document masks, guard, precision,
threads, device. Small are the text, the vocabulary, the model and the number of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.config import merge, read_toml
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import NOMINAL_FACTS, derive
from scratchlm.pipeline.freeze import resolve
from scratchlm.pipeline.process import wanted_threads
from scratchlm.pipeline.recipe import (
    Recipe,
    packaged_recipes,
    read_draft,
    read_packaged,
)
from scratchlm.pipeline.run_directory import find_run

VOCABULARY, CONTEXT, HEADS, WINDOW = 512, 64, 4, 16
MOST_MICRO_BATCHES = 4
MICRO_BATCH = 4
"""Rows of a micro-batch."""
TEXT = Path(__file__).parent
"""What is learned: the sources of this very room."""
MODEL_SIZES = {
    "vocab_size": VOCABULARY,
    "context_length": CONTEXT,
    "n_layers": 4,
    "n_heads": HEADS,
    "d_model": 64,
    "d_head": 16,
    "d_ff": 128,
}
TRAIN_SIZES = (
    "total_steps",
    "batch_size",
    "micro_batch_size",
    "batch_stages",
    "warmup_steps",
    "decay_steps",
    "momentum_warmup_steps",
    "tracking",
)


def find_draft(target: str, runs_directory: Path) -> dict[str, Any]:
    """The draft of a packaged recipe, of a TOML file, or of a run as it was frozen.

    Raises:
        UserError: nothing has that name.
    """
    if target in packaged_recipes():
        return read_packaged(target)
    if target.endswith(".toml"):
        return read_draft(Path(target))
    return read_toml(find_run(runs_directory, target).recipe_path)


def shrink(draft: Mapping[str, Any], total_steps: int, save_every: int) -> Recipe:
    """Derive a small recipe from a draft.

    Args:
        draft: nested settings; what is open is chosen as for a nominal machine, with
            this machine's threads.
        total_steps: optimizer steps.
        save_every: steps between checkpoints.
    """
    machine = {"threads": wanted_threads(), **draft.get("machine", {})}
    sections = {name: draft.get(name, {}) for name in ("tokenizer", "model", "train")}
    small = {
        "title": "a recipe in small",
        "machine": machine,
        "corpus": {
            "source": "files",
            "paths": [str(TEXT)],
            "max_conversations": 20,
        },
        "tokenizer": {**sections["tokenizer"], "vocab_size": VOCABULARY},
        "model": _small_model(sections["model"]),
        "train": _small_train(sections["train"], total_steps, save_every),
    }
    return resolve(small, derive(small, NOMINAL, NOMINAL_FACTS))


def _small_model(said: Mapping[str, Any]) -> dict[str, Any]:
    heads, kv_heads = said.get("n_heads", HEADS), said.get("n_kv_heads")
    shared = 2 if kv_heads is None else max(heads // kv_heads, 1)
    small = {**MODEL_SIZES, "n_kv_heads": max(HEADS // shared, 1)}
    if said.get("attention_window") is not None:
        small["attention_window"] = min(said["attention_window"], WINDOW)
    if said.get("n_experts") is not None:
        chosen = min(said.get("n_experts_per_token", 2), 2)
        small |= {"n_experts": 4, "n_experts_per_token": chosen, "d_expert": 32}
    if said.get("rope_original_context") is not None:
        small["rope_original_context"] = CONTEXT // 2
    return {**said, **small}


def _small_train(
    said: Mapping[str, Any], total_steps: int, save_every: int
) -> dict[str, Any]:
    rows, at_once = said.get("batch_size", 1), said.get("micro_batch_size", 1)
    n_micro = min(max(rows // at_once, 1), MOST_MICRO_BATCHES)
    kept = {name: value for name, value in said.items() if name not in TRAIN_SIZES}
    small = {
        "total_steps": total_steps,
        "batch_size": MICRO_BATCH * n_micro,
        "micro_batch_size": MICRO_BATCH,
        "context_length": CONTEXT,
        "warmup_steps": total_steps // 10 if said.get("warmup_steps") else 0,
        "decay_steps": total_steps // 3 if said.get("decay_steps") else 0,
        "checkpoint_every_steps": save_every,
        "hook_every_steps": max(total_steps // 3, 1),
        "tracking": {"view": "lines", "leakage_tokens": 0},
    }
    if said.get("batch_stages"):
        small["batch_stages"] = [[total_steps // 3, MICRO_BATCH]]
    if said.get("momentum_warmup_steps"):
        small["momentum_warmup_steps"] = total_steps // 3
    return merge(kept, small)
