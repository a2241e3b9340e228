"""Muon (Keller Jordan 2024): momentum, made orthogonal. Axes: N matrices of R × C.

    m ← μ m + (1 - μ) g      w ← w (1 - lr·decay) - lr · scale · polar(g + μ (m - g))

Matrices of one shape go through the iterations together. Switches: NorMuon's variance
of rows (Li et al. 2025), rows of one length before the iterations, decay only where
the update agrees, Moonlight's scale (Liu et al. 2025), attention head by head.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from scratchlm.train.adamw import decay_weights
from scratchlm.train.config import TrainConfig
from scratchlm.train.groups import Group
from scratchlm.train.newton_schulz import orthogonalise

HEADS_AS_ROWS = ("q_proj.weight", "k_proj.weight", "v_proj.weight")
HEADS_AS_COLUMNS = ("o_proj.weight",)
TINY = 1e-10

Member = tuple[str, Tensor, Tensor]
"""Name, parameter, and the update on its way to the parameter."""


def muon_step(
    group: Group, config: TrainConfig, lr: float, step: int, d_head: int | None = None
) -> None:
    """Move a group's matrices that have a gradient, at step `step` (from 0).

    `d_head` is the width of the heads that `muon_split_heads` cuts along.
    """
    momentum = momentum_at(config, step)
    width = d_head if config.muon_split_heads else None
    alike: dict[tuple[int, ...], list[Member]] = {}
    for name, p, gradient in group.with_gradient():
        mean = group.state[f"{name}.momentum"]
        mean.lerp_(gradient, 1 - momentum)
        update = as_matrices(name, gradient.lerp(mean, momentum), width)
        alike.setdefault(tuple(update.shape[1:]), []).append((name, p, update))
    for members in alike.values():
        # one chain of products for all matrices of a shape
        stacked = torch.cat([update for _, _, update in members])
        if config.muon_equilibrate:
            stacked = equilibrate_rows(stacked)
        dtype = iteration_dtype(config, stacked.device)
        stacked = orthogonalise(stacked, config.newton_schulz_steps, dtype)
        parts = stacked.split([len(update) for _, _, update in members])
        for (name, p, _), update in zip(members, parts, strict=True):
            update = _as_shaped(name, p, update, width)
            if config.muon_row_variance:
                rows = group.state[f"{name}.rows"]
                update = normalise_rows(update, rows, config.muon_beta2)
            scale = update_scale(config.muon_scale, *p.shape[-2:])
            decay_weights(p, update, lr * group.weight_decay, config.cautious_decay)
            p.add_(update, alpha=-lr * scale)


def momentum_at(config: TrainConfig, step: int) -> float:
    """Muon's momentum at step `step` (from 0): a line, then constant."""
    if config.momentum_start is None or step >= config.momentum_warmup_steps:
        return config.momentum
    share = step / config.momentum_warmup_steps
    return config.momentum_start + share * (config.momentum - config.momentum_start)


def iteration_dtype(config: TrainConfig, device: torch.device) -> torch.dtype:
    """Precision of the iterations; "auto" is bfloat16 on a GPU, float32 elsewhere."""
    if config.newton_schulz_dtype != "auto":
        return getattr(torch, config.newton_schulz_dtype)  # type: ignore[no-any-return]
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def update_scale(kind: str, n_rows: int, n_columns: int) -> float:
    """Factor of an orthogonal update of R × C.

    "shape": √max(1, R/C), so that outputs change alike whatever the shape (Jordan).
    "rms": 0.2·√max(R, C), AdamW's usual size, for AdamW's rates (Moonlight).
    """
    if kind == "rms":
        return 0.2 * math.sqrt(max(n_rows, n_columns))
    return math.sqrt(max(1.0, n_rows / n_columns))


def equilibrate_rows(matrices: Float[Tensor, "N R C"]) -> Float[Tensor, "N R C"]:
    """Give all rows of a matrix length 1; rows of zeros stay."""
    return matrices / matrices.norm(dim=-1, keepdim=True).clamp_min(TINY)  # type: ignore[no-any-return]


def normalise_rows(
    update: Float[Tensor, "*stack R C"], rows: Float[Tensor, "*stack R 1"], beta2: float
) -> Float[Tensor, "*stack R C"]:
    """Divide each row by the root of its running mean square; keep the norm.

    Updates `rows` in place. The factor that keeps each matrix's Frobenius norm makes
    a correction for the zero start needless.
    """
    rows.lerp_(update.square().mean(-1, keepdim=True), 1 - beta2)
    balanced = update / rows.sqrt().add_(TINY)
    before = torch.linalg.matrix_norm(update, keepdim=True)
    after = torch.linalg.matrix_norm(balanced, keepdim=True)
    return balanced * (before / after.clamp_min(TINY))  # type: ignore[no-any-return]


def as_matrices(
    name: str, tensor: Tensor, d_head: int | None
) -> Float[Tensor, "N R C"]:
    """A view of a parameter (or of something shaped like it) as a stack of matrices.

    With `d_head`, an attention projection is one matrix a head: q, k and v are cut
    along their rows, o along its columns.
    """
    if tensor.dim() > 2:
        return tensor.flatten(0, -3)
    if d_head and name.endswith(HEADS_AS_ROWS):
        return tensor.unflatten(0, (-1, d_head))  # type: ignore[no-any-return]
    if d_head and name.endswith(HEADS_AS_COLUMNS):
        return tensor.unflatten(1, (-1, d_head)).transpose(0, 1)  # type: ignore[no-any-return]
    return tensor.unsqueeze(0)


def _as_shaped(name: str, p: Tensor, update: Tensor, d_head: int | None) -> Tensor:
    """The inverse of `as_matrices`: a stack of matrices in the parameter's shape."""
    if len(update) == 1 or p.dim() > 2:
        return update.reshape(p.shape)
    shaped = torch.empty_like(p)
    as_matrices(name, shaped, d_head).copy_(update)
    return shaped
