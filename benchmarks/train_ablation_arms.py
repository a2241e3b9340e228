"""The arms of the ablation: each names what it changes, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

STEPS = 160


@dataclass(frozen=True)
class Base:
    """What all arms share: the laptop journey's block and optimizer, very small."""

    vocab_size: int = 1024
    model: dict[str, Any] = field(
        default_factory=lambda: {
            "n_layers": 3,
            "d_model": 128,
            "n_heads": 4,
            "n_kv_heads": 2,
            "d_ff": 384,
        }
    )
    train: dict[str, Any] = field(
        default_factory=lambda: {
            "total_steps": STEPS,
            "batch_size": 16,
            "micro_batch_size": 16,
            "context_length": 128,
            "warmup_steps": STEPS // 25,
            "decay_steps": STEPS * 3 // 5,
        }
    )


BASE = Base()


@dataclass(frozen=True)
class Arm:
    """Changes to the base, by dotted key (`model.mlp`, `train.matrix_lr`)."""

    name: str
    changes: dict[str, Any]
    reference: str = "base"

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """Nested values of model and training."""
        values = {"model": dict(BASE.model), "train": dict(BASE.train)}
        for key, value in self.changes.items():
            section, _, name = key.partition(".")
            values[section][name] = value
        return values

    def __str__(self) -> str:
        return self.name


ADAMW = {"train.optimizer": "adamw"}
SOAP = {"train.optimizer": "soap"}
DECAY = {"train.weight_decay": 0.1}
HALF = {"train.embed_lr": 0.003, "train.head_lr": 0.0015}
DOUBLE = {"train.embed_lr": 0.012, "train.head_lr": 0.006}
RISING = {"train.momentum_start": 0.85, "train.momentum_warmup_steps": STEPS // 4}
GROWING = {  # as many rows: 80 · 8 + 60 · 16 + 30 · 32 = 160 · 16
    "train.batch_stages": ((80, 8), (60, 16)),
    "train.batch_size": 32,
    "train.micro_batch_size": 32,
    "train.total_steps": 170,
}
LOW = {"train.matrix_lr": 0.01}  # the better rate of a run as short as these
LOW_NAME = "muon lr 0.01"
# in the order of what the defaults hang on most
ALL_ARMS = (
    Arm("base", {}),
    Arm("muon lr 0.01", {"train.matrix_lr": 0.01}),
    Arm("adamw lr 0.001", {**ADAMW, "train.matrix_lr": 0.001}),
    Arm("newton-schulz 3", {"train.newton_schulz_steps": 3}),
    Arm("split heads", {"train.muon_split_heads": True}),
    Arm("row variance (NorMuon)", {"train.muon_row_variance": True}),
    Arm("lr 0.01, newton-schulz 3", LOW | {"train.newton_schulz_steps": 3}, LOW_NAME),
    Arm("lr 0.01, split heads", LOW | {"train.muon_split_heads": True}, LOW_NAME),
    Arm("lr 0.01, row variance", LOW | {"train.muon_row_variance": True}, LOW_NAME),
    Arm("lr 0.01, no clipping", LOW | {"train.max_grad_norm": None}, LOW_NAME),
    Arm("soap lr 0.001", {**SOAP, "train.matrix_lr": 0.001}),
    Arm("no clipping", {"train.max_grad_norm": None}),
    Arm("cosine", {"train.schedule": "cosine"}),
    Arm("muon lr 0.005", {"train.matrix_lr": 0.005}),
    Arm("decay 0.1 cautious", {**DECAY, "train.cautious_decay": True}),
    Arm("newton-schulz 4", {"train.newton_schulz_steps": 4}),
    Arm("tied", {"model.tied": True}),
    Arm("relu2", {"model.mlp": "relu2", "model.d_ff": 576}),
    Arm("value embeddings", {"model.value_embeddings": "alternate"}),
    Arm("no qk-norm", {"model.qk_norm": "none"}),
    Arm("softcap 15", {"model.logit_softcap": 15.0}),
    Arm("residual scalars", {"model.residual_scalars": True}),
    Arm("outputs not zero", {"model.output_init": "scaled"}),
    Arm("adamw lr 0.002", {**ADAMW, "train.matrix_lr": 0.002}),
    Arm("soap lr 0.003", {**SOAP, "train.matrix_lr": 0.003}),
    Arm("decay 0.1", DECAY),
    Arm("wsd last 20 %", {"train.decay_steps": STEPS // 5}),
    Arm("momentum rises from 0.85", RISING),
    Arm("embed and head lr x1/2", HALF),
    Arm("adamw lr 0.0005", {**ADAMW, "train.matrix_lr": 0.0005}),
    Arm("linear", {"train.schedule": "linear"}),
    Arm("rows equilibrated", {"train.muon_equilibrate": True}),
    Arm("beta2 0.99", {"train.beta2": 0.99}),
    Arm("batch grows 8, 16, 32", GROWING),
    Arm("gelu", {"model.mlp": "gelu", "model.d_ff": 576}),
    Arm("muon lr 0.04", {"train.matrix_lr": 0.04}),
    Arm("embed and head lr x2", DOUBLE),
    Arm("wsd 1-sqrt", {"train.decay_shape": "sqrt"}),
    Arm("final 10 %", {"train.final_lr_frac": 0.1}),
    Arm("no norm gains", {"model.norm_gain": False}),
    Arm("embedding norm", {"model.embedding_norm": True}),
)
ARMS = {arm.name: arm for arm in ALL_ARMS}
