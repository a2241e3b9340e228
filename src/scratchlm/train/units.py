"""Dead units: inner activations that are zero on every token, experts never chosen.

    B rows, T tokens, F inner channels of a feed-forward network, N experts

A ReLU² unit whose input is negative everywhere gets no gradient and stays dead; a
SwiGLU unit can wither. Read on held-out rows, in evaluation mode, by hooks that are
gone again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from jaxtyping import Int
from torch import Tensor, nn

from scratchlm.model.experts import MixtureOfExperts
from scratchlm.model.mlp import MLP
from scratchlm.model.transformer import Transformer
from scratchlm.train.sanity import Finding

PreHook = Callable[[nn.Module, tuple[Tensor, ...]], None]

FAINT = 1e-4
"""A unit is dead where its largest activation is below this share of the layer's
root mean square."""
NORMAL_FRAC = 0.1
"""Share of dead units up to which nothing is odd."""
ROWS = 8
"""Rows of one forward pass."""


@dataclass
class LayerUse:
    """What the tokens used of one layer's feed-forward network."""

    largest: Tensor | None = None
    """(F,): the largest absolute activation of each unit."""
    squares: float = 0.0
    count: int = 0
    chosen: Tensor | None = None
    """(N,): tokens of each expert."""


@dataclass(frozen=True)
class UnitUse:
    """What the tokens used of a model."""

    dead_frac: Mapping[int, float] = field(default_factory=dict)
    """Share of dead inner units, by layer; layers of experts are left out."""
    unused_experts: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Experts that no token chose, by layer."""

    @property
    def values(self) -> dict[str, float]:
        """Metrics: `units/dead_frac`, `units/unused_experts` where they apply."""
        found: dict[str, float] = {}
        if self.dead_frac:
            total = sum(self.dead_frac.values())
            found["units/dead_frac"] = round(total / len(self.dead_frac), 6)
        if self.unused_experts:
            n_unused = sum(map(len, self.unused_experts.values()))
            found["units/unused_experts"] = float(n_unused)
        return found

    def judge(self) -> list[Finding]:
        """One line each on dead units and unused experts, where there are any."""
        found = []
        if self.dead_frac:
            found.append(_judge_dead(self.dead_frac))
        if self.unused_experts:
            found.append(_judge_experts(self.unused_experts))
        return found


@torch.no_grad()
def measure_units(model: Transformer, tokens: Int[Tensor, "B T"]) -> UnitUse:
    """Run rows through a model (in evaluation mode) and see what they used."""
    device = next(model.parameters()).device
    with _watched(model) as uses:
        for rows in tokens.split(ROWS):
            model.hidden(rows.to(device))
    return UnitUse(
        {i: _dead_frac(use) for i, use in uses.items() if use.largest is not None},
        {i: _unused(use) for i, use in uses.items() if use.chosen is not None},
    )


@contextmanager
def _watched(model: Transformer) -> Iterator[dict[int, LayerUse]]:
    uses: dict[int, LayerUse] = {}
    hooks = []
    for index, block in enumerate(model.layers):
        use = uses[index] = LayerUse()
        network = block.mlp
        if isinstance(network, MixtureOfExperts):
            hooks.append(network.register_forward_pre_hook(_expert_hook(use)))
        elif isinstance(network, MLP):
            hooks.append(network.down_proj.register_forward_pre_hook(_inner_hook(use)))
    try:
        yield uses
    finally:
        for hook in hooks:
            hook.remove()


def _inner_hook(use: LayerUse) -> PreHook:
    """See the input of the last projection: the inner activations."""

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        inner = inputs[0].float().flatten(0, -2).abs()  # (rows, F)
        largest = inner.amax(0)
        both = largest if use.largest is None else largest.maximum(use.largest)
        use.largest = both
        use.squares += float(inner.square().sum())
        use.count += inner.numel()

    return look


def _expert_hook(use: LayerUse) -> PreHook:
    """See which experts the tokens choose."""

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, MixtureOfExperts)
        chosen, _ = module.route(inputs[0].flatten(0, -2))
        n_experts = len(module.router_bias)
        counted = chosen.flatten().bincount(minlength=n_experts)
        use.chosen = counted if use.chosen is None else use.chosen + counted

    return look


def _judge_dead(dead_frac: Mapping[int, float]) -> Finding:
    worst = max(dead_frac, key=lambda layer: dead_frac[layer])
    mean = sum(dead_frac.values()) / len(dead_frac)
    found = f"{mean:.1%} of the inner units are dead (layer {worst}: "
    found += f"{dead_frac[worst]:.1%})"
    if mean <= NORMAL_FRAC:
        return Finding("dead units", True, found)
    why = "the learning rate was too high early on, or a spike went through: lower it"
    return Finding("dead units", False, f"{found}; {why}, or warm up longer")


def _judge_experts(unused: Mapping[int, tuple[int, ...]]) -> Finding:
    layers = {layer: experts for layer, experts in unused.items() if experts}
    if not layers:
        return Finding("unused experts", True, "every expert has tokens in every layer")
    shown = "; ".join(
        f"layer {layer}: {', '.join(map(str, experts))}"
        for layer, experts in list(layers.items())[:3]
    )
    why = "the router has collapsed, or its balancing rate is too low"
    return Finding("unused experts", False, f"experts without a token ({shown}); {why}")


def _dead_frac(use: LayerUse) -> float:
    assert use.largest is not None
    rms = (use.squares / max(use.count, 1)) ** 0.5
    return float((use.largest <= FAINT * rms).float().mean())


def _unused(use: LayerUse) -> tuple[int, ...]:
    assert use.chosen is not None
    return tuple((use.chosen == 0).nonzero().flatten().tolist())
