"""nanochat's pretraining on a processor: its model, its optimizer, its rules.

`scripts/base_train.py` reads its own data and cannot be told another text; what it
does in a step is repeated here line by line, its modules are its own, unchanged. With
no GPU it computes in float32 and compiles model and optimizer.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

REFERENCE_DEPTH, REFERENCE_TOKENS = 12, 2**19
TOKENS_PER_PARAMETER = 12.0
RATES = {"unembedding_lr": 0.008, "embedding_lr": 0.3, "scalar_lr": 0.5}
MATRIX_LR, WEIGHT_DECAY = 0.02, 0.28
WARM_UP_STEPS, WARM_DOWN_SHARE, FINAL_FRAC = 40, 0.65, 0.05
"""base_train.py's defaults."""


class Nanochat:
    """A model and an optimizer, and a step of both."""

    def __init__(self, checkout: Path, spec: Mapping[str, Any]) -> None:
        # its SDPA fallback needs no kernels from a hub
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        sys.path.insert(0, str(checkout))
        torch.set_num_threads(spec["machine"]["threads"])
        torch.manual_seed(spec["seed"])
        self.model = self._meta(spec["depth"], spec).to_empty(device="cpu")
        self.model.init_weights()
        self.start = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.compiled = torch.compile(self.model, dynamic=False)
        self.tokens_per_step = spec["rows"] * spec["context_length"]
        self.reference = _scaling_parameters(self._meta(REFERENCE_DEPTH, spec))
        self.begin(1_000)

    @property
    def n_parameters(self) -> int:
        """All parameters."""
        return sum(p.numel() for p in self.model.parameters())

    def begin(self, n_steps: int) -> None:
        """Initial weights again, a new optimizer, a schedule of so many steps."""
        self.model.load_state_dict(self.start)
        self.n_steps = n_steps
        share = self.tokens_per_step / REFERENCE_TOKENS
        horizons = self.reference / _scaling_parameters(self.model)
        self.weight_decay = WEIGHT_DECAY * math.sqrt(share) * horizons
        self.optimizer = self.model.setup_optimizer(
            **{name: lr * share**0.5 for name, lr in RATES.items()},
            matrix_lr=MATRIX_LR * share**0.5,
            weight_decay=self.weight_decay,
        )

    def step(self, at: int, tokens: Tensor, targets: Tensor) -> float:
        """Step `at` (from 0); its loss."""
        loss = self.compiled(tokens, targets)
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self.lr_frac(at)
            if group["kind"] == "muon":
                group["momentum"] = self.momentum(at)
                along = math.pi * at / self.n_steps
                group["weight_decay"] = self.weight_decay * 0.5 * (1 + math.cos(along))
        self.optimizer.step()
        self.model.zero_grad(set_to_none=True)
        return float(loss.item())

    def losses(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Nats of each target (W, T)."""
        nats: Tensor = self.model(tokens, targets, loss_reduction="none")
        return nats.view(targets.shape)

    def lr_frac(self, at: int) -> float:
        """Share of the peak rates: up, flat, down."""
        down = round(WARM_DOWN_SHARE * self.n_steps)
        if at < WARM_UP_STEPS:
            return (at + 1) / WARM_UP_STEPS
        if at <= self.n_steps - down:
            return 1.0
        along = (self.n_steps - at) / down
        return along + (1 - along) * FINAL_FRAC

    def momentum(self, at: int) -> float:
        """Muon's: 0.85 to 0.97 over 400 steps, towards 0.9 at the end."""
        down = round(WARM_DOWN_SHARE * self.n_steps)
        if at < 400:
            return 0.85 + 0.12 * at / 400
        if at < self.n_steps - down:
            return 0.97
        return 0.97 - 0.07 * (at - self.n_steps + down) / down

    def _meta(self, depth: int, spec: Mapping[str, Any]) -> Any:
        from nanochat.gpt import GPT, GPTConfig

        width = -(-depth * 64 // spec["d_head"]) * spec["d_head"]
        config = GPTConfig(
            sequence_len=spec["context_length"],
            vocab_size=spec["vocab_size"],
            n_layer=depth,
            n_head=width // spec["d_head"],
            n_kv_head=width // spec["d_head"],
            n_embd=width,
            window_pattern="L",
        )
        with torch.device("meta"):
            return GPT(config)


def _scaling_parameters(model: Any) -> int:
    counts = model.num_scaling_params()
    return int(counts["transformer_matrices"] + counts["lm_head"])
