"""Who is moved how: parameters by kind, each with its rate, its rule and its decay.

| kind | which | rule | decays |
|---|---|---|---|
| matrix | matrices of the blocks, and stacks of them (experts) | the chosen one | yes |
| head | an untied head | AdamW | yes |
| embed | tables of tokens, positions and values; a tied head | AdamW | no |
| vector | gains, biases, scalars | AdamW | no |
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from scratchlm.train.config import TrainConfig

Kind = Literal["matrix", "embed", "head", "vector"]
Rule = Literal["muon", "adamw", "soap"]


@dataclass
class Group:
    """Parameters that share a peak learning rate, an update rule and a decay."""

    names: list[str]
    parameters: list[Tensor]
    lr: float
    rule: Rule
    weight_decay: float
    state: dict[str, Tensor] = field(default_factory=dict)

    def with_gradient(self) -> list[tuple[str, Tensor, Tensor]]:
        """(name, parameter, gradient) of those that have one."""
        pairs = zip(self.names, self.parameters, strict=True)
        return [(name, p, p.grad) for name, p in pairs if p.grad is not None]


def build_groups(parameters: dict[str, Tensor], config: TrainConfig) -> list[Group]:
    """Sort parameters into groups; all of their state is zero."""
    rates: dict[Kind, float] = {
        "matrix": config.matrix_lr,
        "embed": config.embed_lr,
        "head": config.head_lr,
        "vector": config.vector_lr,
    }
    groups = []
    for kind, lr in rates.items():
        names = sorted(n for n, p in parameters.items() if kind_of(n, p) == kind)
        rule: Rule = config.optimizer if kind == "matrix" else "adamw"
        decay = config.weight_decay if kind in ("matrix", "head") else 0.0
        group = Group(names, [parameters[n] for n in names], lr, rule, decay)
        for name, p in zip(group.names, group.parameters, strict=True):
            for slot, shape in state_shapes(rule, p, config).items():
                zeros = torch.zeros(shape, dtype=p.dtype, device=p.device)
                group.state[f"{name}.{slot}"] = zeros
        groups.append(group)
    return groups


def kind_of(name: str, parameter: Tensor) -> Kind:
    """Kind of a parameter, by its name and its number of axes."""
    if parameter.dim() < 2:
        return "vector"
    if name.startswith(("embed_", "value_embeddings.")):
        return "embed"
    return "head" if name.startswith("lm_head") else "matrix"


def state_shapes(
    rule: Rule, parameter: Tensor, config: TrainConfig
) -> dict[str, tuple[int, ...]]:
    """Shapes of what a rule remembers of a parameter, by slot."""
    shape = tuple(parameter.shape)
    if rule == "adamw":
        return {"mean": shape, "square": shape}
    if rule == "muon":
        rows = {"rows": (*shape[:-1], 1)} if config.muon_row_variance else {}
        return {"momentum": shape, **rows}
    stack, n_rows, n_columns = shape[:-2], shape[-2], shape[-1]
    left, right = (*stack, n_rows, n_rows), (*stack, n_columns, n_columns)
    bases = {"left_basis": left, "right_basis": right}
    return {"mean": shape, "square": shape, "left": left, "right": right, **bases}
