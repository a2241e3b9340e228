"""SOAP (Vyas et al. 2024): Adam in the eigenbasis of Shampoo. Axes: R × C, stacked.

    L ← β L + (1 - β) g gᵀ     R ← β R + (1 - β) gᵀ g     Q_L, Q_R: their eigenvectors
    g' = Q_Lᵀ g Q_R            v ← β v + (1 - β) g'²
    w ← w - lr · Q_L (m̂' / √v̂) Q_Rᵀ

The bases are brought up to date every few steps by one step of power iteration. The
first step only makes them, as in the authors' code.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from scratchlm.train.adamw import decay_weights
from scratchlm.train.config import TrainConfig
from scratchlm.train.groups import Group


def soap_step(group: Group, config: TrainConfig, lr: float, step: int) -> None:
    """Move a group's matrices that have a gradient, at step `step` (from 0)."""
    for name, p, gradient in group.with_gradient():
        slots = ("mean", "square", "left", "right", "left_basis", "right_basis")
        state = {slot: group.state[f"{name}.{slot}"] for slot in slots}
        began = bool(state["left"].any())
        state["left"].lerp_(gradient @ gradient.mT, 1 - config.beta2)
        state["right"].lerp_(gradient.mT @ gradient, 1 - config.beta2)
        if not began:
            for side in ("left", "right"):
                _, vectors = torch.linalg.eigh(state[side])
                state[f"{side}_basis"].copy_(vectors.flip(-1))
            continue
        update = _update(gradient, state, config, step)
        decay_weights(p, update, lr * group.weight_decay, config.cautious_decay)
        p.add_(update, alpha=-lr)
        if step % config.soap_refresh_steps == 0:
            _refresh(state, "left", -2)
            _refresh(state, "right", -1)


def _update(
    gradient: Tensor, state: dict[str, Tensor], config: TrainConfig, step: int
) -> Tensor:
    """Adam's update of the rotated gradient, rotated back."""
    left, right = state["left_basis"], state["right_basis"]
    state["mean"].lerp_(gradient, 1 - config.beta1)
    rotated = left.mT @ gradient @ right
    state["square"].lerp_(rotated.square(), 1 - config.beta2)
    mean = left.mT @ state["mean"] @ right / (1 - config.beta1 ** max(step, 1))
    root = (state["square"] / (1 - config.beta2 ** max(step, 1))).sqrt_()
    return left @ (mean / root.add_(config.epsilon)) @ right.mT


def _refresh(state: dict[str, Tensor], side: str, axis: int) -> None:
    """Power iteration and QR; `square` goes along when its axis is put in order."""
    basis = state[f"{side}_basis"]
    new, order = refreshed_basis(state[side], basis)
    shape = [*state["square"].shape]
    index = order.unsqueeze(-1 if axis == -2 else -2).expand(shape)
    state["square"].copy_(state["square"].gather(axis, index))
    basis.copy_(new)


def refreshed_basis(
    matrix: Float[Tensor, "*stack R R"], basis: Float[Tensor, "*stack R R"]
) -> tuple[Float[Tensor, "*stack R R"], Tensor]:
    """The basis after one power iteration, and the order (…, R) of its old vectors."""
    values = torch.einsum("...ij,...ik,...kj->...j", basis, matrix, basis)
    order = values.argsort(dim=-1, descending=True, stable=True)
    sorted_basis = basis.gather(-1, order.unsqueeze(-2).expand_as(basis))
    return torch.linalg.qr(matrix @ sorted_basis).Q, order
