"""Optimizers. Axes: R rows and C columns of a matrix, N matrices of one shape.

AdamW (Loshchilov and Hutter 2019) for embeddings, head, gains and biases. Muon (Keller
Jordan 2024) for the blocks' matrices: momentum, then the nearest (semi-)orthogonal
matrix by Newton–Schulz iterations. The iteration's polynomials are Polar Express's
(Amsel et al. 2025), each the best one for what its predecessors leave.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from scratchlm.train.config import TrainConfig

# x ← a·x + b·x³ + c·x⁵ on the singular values
POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)


@dataclass
class Group:
    """Parameters that share a peak learning rate and an update rule."""

    names: list[str]
    parameters: list[Tensor]
    lr: float
    is_muon: bool
    weight_decay: float
    state: dict[str, Tensor] = field(default_factory=dict)


class Optimizer:
    """AdamW and Muon side by side over named parameters.

    State is a flat mapping of names to float32 tensors, ready for safetensors.
    """

    def __init__(self, parameters: dict[str, Tensor], config: TrainConfig) -> None:
        self.config = config
        self.groups = _build_groups(parameters, config)

    @torch.no_grad()
    def step(self, step: int, lr_frac: float) -> None:
        """Apply optimizer step `step` (from 0) at a share of the peak rates."""
        for group in self.groups:
            lr = group.lr * lr_frac
            if group.is_muon:
                self._muon(group, lr)
            else:
                self._adamw(group, lr, step + 1)

    def state_dict(self) -> dict[str, Tensor]:
        """The state's tensors by name; views, not copies."""
        return {k: v for group in self.groups for k, v in group.state.items()}

    @torch.no_grad()
    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Copy a saved state back in."""
        for name, tensor in self.state_dict().items():
            tensor.copy_(tensors[name])

    def _adamw(self, group: Group, lr: float, count: int) -> None:
        c = self.config
        for name, p in zip(group.names, group.parameters, strict=True):
            if p.grad is None:
                continue
            mean, square = group.state[f"{name}.mean"], group.state[f"{name}.square"]
            mean.lerp_(p.grad, 1 - c.beta1)
            square.mul_(c.beta2).addcmul_(p.grad, p.grad, value=1 - c.beta2)
            root = (square / (1 - c.beta2**count)).sqrt_().add_(c.epsilon)
            p.mul_(1 - lr * group.weight_decay)
            p.addcdiv_(mean, root, value=-lr / (1 - c.beta1**count))

    def _muon(self, group: Group, lr: float) -> None:
        c = self.config
        updates: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
        for name, p in zip(group.names, group.parameters, strict=True):
            if p.grad is None:
                continue
            momentum = group.state[f"{name}.momentum"]
            momentum.lerp_(p.grad, 1 - c.momentum)
            nesterov = p.grad.lerp(momentum, c.momentum)
            updates.setdefault(tuple(p.shape), []).append((p, nesterov))
        for (n_rows, n_columns), members in updates.items():
            # one chain of products for all matrices of a shape
            stacked = torch.stack([update for _, update in members])
            stacked = orthogonalise(stacked, c.newton_schulz_steps)
            scale = max(1.0, n_rows / n_columns) ** 0.5
            for (p, _), update in zip(members, stacked, strict=True):
                p.mul_(1 - lr * group.weight_decay).add_(update, alpha=-lr * scale)


def orthogonalise(
    matrices: Float[Tensor, "N R C"], steps: int
) -> Float[Tensor, "N R C"]:
    """Move all singular values of each matrix towards 1 (its polar factor)."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) * 1.01 + 1e-7)
    for a, b, c in (POLAR_EXPRESS + POLAR_EXPRESS[-1:] * steps)[:steps]:
        gram = torch.bmm(x, x.mT)  # (N, r, r), r = min(R, C)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.mT if tall else x


def _build_groups(parameters: dict[str, Tensor], config: TrainConfig) -> list[Group]:
    rates = {
        "matrix": config.matrix_lr,
        "embed": config.embed_lr,
        "head": config.head_lr,
        "vector": config.vector_lr,
    }
    groups = []
    for kind, lr in rates.items():
        names = sorted(n for n, p in parameters.items() if _kind(n, p) == kind)
        is_muon = kind == "matrix" and config.optimizer == "muon"
        decay = 0.0 if kind == "vector" else config.weight_decay
        group = Group(names, [parameters[n] for n in names], lr, is_muon, decay)
        slots = ("momentum",) if is_muon else ("mean", "square")
        for name, p in zip(group.names, group.parameters, strict=True):
            for slot in slots:
                group.state[f"{name}.{slot}"] = torch.zeros_like(p)
        groups.append(group)
    return groups


def _kind(name: str, parameter: Tensor) -> str:
    if name.startswith("embed_"):
        return "embed"
    if name.startswith("lm_head"):
        return "head"
    return "matrix" if parameter.dim() == 2 else "vector"
