"""What is run against the clock: nanoGPT's, nanochat's and our own settings.

A spec is what `train_time_worker.py` is told. Ours come from the recipe and the dial,
as a run of so many minutes would have them; only the number of steps follows from the
steps that the worker times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchlm.base.config import merge
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.calibration import Calibration
from scratchlm.pipeline.dial import NOMINAL_FACTS, derive
from scratchlm.pipeline.process import wanted_threads
from scratchlm.pipeline.recipe import read_packaged
from scratchlm.pipeline.rules import RULES
from scratchlm.plan.presets import laptop_config, nanochat_config
from train_nanochat import MATRIX_LR, RATES, REFERENCE_TOKENS, WEIGHT_DECAY
from train_peers import gpt2_config

VOCABULARY, TOKENS = 4096, 256
NANOGPT_TOKENS_PER_STEP = (1024, 2048, 4096)
NANOGPT_RATES = (1e-3, 2e-3, 4e-3)

Spec = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """A size of nanoGPT's model, and nanochat's depth beside it."""

    nanogpt: ModelConfig
    nanochat_depth: int


SIZES = {
    "4m": Size(gpt2_config(4, 256, 4, VOCABULARY, TOKENS), 4),
    "12m": Size(gpt2_config(6, 384, 6, VOCABULARY, TOKENS), 6),
}
SMOKE = {
    "tiny": Size(gpt2_config(4, 128, 4, VOCABULARY, TOKENS), 1),
    "small": Size(gpt2_config(4, 192, 4, VOCABULARY, TOKENS), 2),
}


def nanogpt_spec(
    size: Size, checkout: Path, tokens_per_step: int, lr: float, compiled: bool
) -> Spec:
    """nanoGPT at a batch and a learning rate."""
    return {
        "trainer": "nanogpt",
        "model": size.nanogpt.model_dump(mode="json"),
        "checkout": str(checkout),
        "rows": tokens_per_step // TOKENS,
        "lr": lr,
        "compile": compiled,
        **_setting(),
    }


def nanogpt_trials(size: Size, checkout: Path, compiled: bool) -> Iterator[Spec]:
    """Three batches by three learning rates."""
    for tokens_per_step in NANOGPT_TOKENS_PER_STEP:
        for lr in NANOGPT_RATES:
            yield nanogpt_spec(size, checkout, tokens_per_step, lr, compiled)


def nanochat_spec(size: Size, checkout: Path, tokens_per_step: int = 16_384) -> Spec:
    """nanochat as its runs/runcpu.sh trains on a processor, at a depth."""
    return {
        "trainer": "nanochat",
        "checkout": str(checkout),
        "depth": size.nanochat_depth,
        "d_head": 64,
        "context_length": 512,
        "rows": tokens_per_step // 512,
        **_setting(),
    }


def same_size_spec(calibration: Calibration, size: Size, rows: int, s: float) -> Spec:
    """Our recipe at nanoGPT's layers, width and batch, with no more parameters."""
    peer = size.nanogpt
    shape = laptop_config(
        peer.n_layers,
        d_model=peer.d_model,
        vocab_size=VOCABULARY,
        context_length=TOKENS,
    ).model_copy(update={"n_heads": peer.n_heads, "n_kv_heads": peer.n_heads // 2})
    shape = shape.model_copy(update={"d_head": peer.d_model // peer.n_heads})
    spare = peer.n_parameters - shape.model_copy(update={"d_ff": 0}).n_parameters
    d_ff = spare // (3 * peer.d_model * peer.n_layers) // 32 * 32
    sizes = shape.model_copy(update={"d_ff": d_ff}).model_dump(mode="json")
    names = ("n_layers", "n_heads", "n_kv_heads", "d_model", "d_ff", "d_head")
    model = {name: sizes[name] for name in (*names, "context_length")}
    train = {"batch_size": rows, "micro_batch_size": rows}
    return own_spec(calibration, s, {"model": model, "train": train})


def own_spec(calibration: Calibration, s: float, draft: Mapping[str, Any]) -> Spec:
    """Our recipe for so many seconds of training; a draft may fix what it likes."""
    minutes = s / RULES.pretrain_share / 60  # no text to prepare, no trial to pay for
    said = merge(
        {"minutes": minutes, "tokenizer": {"vocab_size": VOCABULARY}},
        merge(_sections(read_packaged("laptop")), draft),
    )
    bare = calibration.model_copy(update={"spent_s": 0.0, "corpus_s": 0.0})
    facts = NOMINAL_FACTS.model_copy(update={"train_bytes": 10**9})
    found = merge(said, derive(said, bare, facts).values)
    train, steps = dict(found["train"]), found["train"]["total_steps"]
    shares = {
        name: train.pop(name, 0) / steps for name in ("warmup_steps", "decay_steps")
    }
    for name in ("total_steps", "hook_every_steps", "checkpoint_every_steps"):
        train.pop(name, None)
    return {
        "trainer": "ours",
        "model": ModelConfig.model_validate(found["model"]).model_dump(mode="json"),
        "train": train,
        "machine": found["machine"],
        "shares": shares,
        "vocab_size": VOCABULARY,
    }


def nanochat_shape_spec(
    calibration: Calibration, size: Size, s: float, *, rates: bool
) -> Spec:
    """nanochat's model on our path, with our optimizer's settings or with its own."""
    shape = nanochat_config(
        size.nanochat_depth, vocab_size=VOCABULARY, context_length=512
    )
    heads = {"n_heads": shape.d_model // 64, "n_kv_heads": shape.d_model // 64}
    model = shape.model_copy(update={**heads, "d_head": 64, "attention_window": None})
    draft: dict[str, Any] = {"model": model.model_dump(mode="json", exclude_none=True)}
    spec = own_spec(calibration, s, draft)
    if rates:
        spec["train"] |= _nanochat_rates(spec["train"], shape.d_model)
    return spec


def _nanochat_rates(train: Mapping[str, Any], d_model: int) -> dict[str, Any]:
    """Its rates for our batch, by its own rules (scripts/base_train.py)."""
    tokens = train["batch_size"] * train["context_length"]
    batch = math.sqrt(tokens / REFERENCE_TOKENS)
    width = (d_model / 768) ** -0.5
    return {
        "matrix_lr": MATRIX_LR * batch,
        "embed_lr": RATES["embedding_lr"] * batch * width,
        "head_lr": RATES["unembedding_lr"] * batch * width,
        "vector_lr": RATES["scalar_lr"] * 0.01 * batch,
        "weight_decay": WEIGHT_DECAY * batch,
        "cautious_decay": True,
        "muon_row_variance": True,
        "muon_beta2": 0.9,
        "muon_equilibrate": True,
        "beta1": 0.8,
        "final_lr_frac": 0.05,
    }


def _sections(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in recipe.items() if k in ("model", "train", "machine")}


def _setting() -> dict[str, Any]:
    return {"vocab_size": VOCABULARY, "machine": {"threads": wanted_threads()}}
