"""The initial weights, parameter by parameter.

Matrices N(0, 1/fan_in). Output projections of pre-norm blocks zero, so that each block
begins as the identity, or N(0, 1/fan_in) / √(2 L) as GPT-2. Embeddings N(0, 0.02²).
Gains 1, biases 0. Residual scalars fall with depth as nanochat's; its gates of value
embeddings begin half open.
"""

import hashlib
import math

import torch
from torch import Tensor

from scratchlm.model.config import ModelConfig


@torch.no_grad()
def draw_parameter(
    config: ModelConfig, name: str, parameter: Tensor, seed: int | None = None
) -> None:
    """Fill a parameter with its initial values.

    Args:
        config: the model's.
        name: the parameter's, as `named_parameters` gives it.
        parameter: filled in place; on any device.
        seed: None draws from torch's global generator, in the order of the calls. A
            number draws from a generator of the name's own: the same values in any
            order, on any device.
    """
    if parameter.dim() == 1:
        parameter.copy_(_vector(config, name, len(parameter)))
        return
    std = _deviation(config, name, parameter.shape[-1])
    if std == 0:
        parameter.zero_()
    elif seed is None:
        parameter.normal_(std=std)
    else:
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        drawn = torch.empty(parameter.shape, dtype=torch.float32)
        parameter.copy_(drawn.normal_(std=std, generator=generator))


def _vector(config: ModelConfig, name: str, length: int) -> Tensor:
    if name.endswith("bias"):
        return torch.zeros(length)
    if name == "residual_scales":
        return _ramp(1.15, 1.05, length)
    if name == "embedding_scales":
        return _ramp(0.20, 0.05, length)
    return torch.ones(length)


def _ramp(first: float, last: float, length: int) -> Tensor:
    """From the first layer to the last; a lone layer has the first's."""
    step = (last - first) / max(length - 1, 1)
    return first + step * torch.arange(length)


def _deviation(config: ModelConfig, name: str, fan_in: int) -> float:
    """Standard deviation of a matrix; 0 where it begins as zero."""
    if name.startswith("embed_"):
        return config.embedding_std
    if name.startswith("lm_head"):
        return config.head_std
    if name.startswith("value_embeddings"):
        return 1 / math.sqrt(config.d_model)
    if name.endswith("value_gate.weight"):
        return 0.0
    is_output = name.removesuffix(".weight").endswith(("o_proj", "down_proj"))
    if not is_output or config.norm_placement == "post":
        return 1 / math.sqrt(fan_in)
    if config.output_init == "zero":
        return 0.0
    return 1 / math.sqrt(fan_in * 2 * config.n_layers)
