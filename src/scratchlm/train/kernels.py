"""How a model computes while it trains: what the machine's section of a recipe says.

Attention form, weight-gradient form and compilation change the speed and the last
bits, never the mathematics; they are measured once, before a run, and frozen.
"""

import torch

from scratchlm.base.machine import MachineConfig
from scratchlm.model import attention
from scratchlm.model.experts import MixtureOfExperts
from scratchlm.model.linear import Linear
from scratchlm.model.transformer import Transformer

OPAQUE = (
    (attention, "causal_attention"),
    (attention, "masked_attention"),
    (MixtureOfExperts, "forward"),
)
"""What the compiler shall call and not look into: it writes in place."""


def choose_kernels(
    model: Transformer, machine: MachineConfig, recompute: bool = False
) -> None:
    """Set up a model for training; its numbers stay the same.

    Args:
        model: changed in place.
        machine: attention, weight gradients, compilation.
        recompute: blocks keep their input alone and compute the rest again in the
            backward pass.
    """
    model.use_attention(machine.attention)
    model.recompute = recompute
    for module in model.modules():
        if isinstance(module, Linear):
            module.chunked = machine.weight_gradient == "chunked"
    if machine.compile:
        compile_blocks(model)


def compile_blocks(model: Transformer) -> None:
    """Let the compiler take each block; it is imported here, which takes seconds."""
    for owner, name in OPAQUE:
        setattr(owner, name, torch.compiler.disable(getattr(owner, name)))
    for block in model.layers:
        block.compile(dynamic=False)
