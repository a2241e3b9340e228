"""Which layers share a channel scale, and what earlier operation absorbs it.

Multiplying the input columns of W by s and dividing its input by s changes nothing
in full precision, but moves the rounding error from the channels that matter to those
that do not. The division costs nothing where an earlier operation can absorb it:

    input_layernorm          → q_proj, k_proj, v_proj     (norm before the sub-layer)
    v_proj                   → o_proj
    post_attention_layernorm → gate_proj, up_proj         (norm before the sub-layer)
    up_proj                  → down_proj                  (SwiGLU, ReLU²)

where the norm has a gain, and no value embedding reads the same input or joins v.

Grouped-query attention: the heads of a group read the same values, so they share the
scales of v's channels. ReLU(u)² is homogeneous of degree two: up_proj takes √s.

Nothing can absorb a scale through a GELU, or where the norm stands after the residual
sum (its output feeds the residual too). Those layers keep 1/s as their own
`input_scale`, and so need not share it.

Axes: C input channels, K key/value heads, D head channels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scratchlm.model.config import ModelConfig


@dataclass(frozen=True)
class ScalingGroup:
    """Layers that read the same input."""

    layers: tuple[str, ...]
    """Names of the linear layers; one scale vector serves all of them."""
    absorber: str | None
    """Norm or linear layer whose output is divided; None: an explicit input scale."""
    watched: str
    """The layer whose input statistics hold for all of them."""
    power: float = 1.0
    """The absorber's output is divided by scale ** power."""
    n_sharing: int = 1
    """Heads that share a key/value head's scales."""
    d_head: int = 1
    """Channels of a head, where heads share."""

    def share(self, channels: Float[Tensor, " C"]) -> Float[Tensor, " shared"]:
        """Average a statistic over the channels that must have one scale."""
        if self.n_sharing == 1:
            return channels
        return channels.view(-1, self.n_sharing, self.d_head).mean(1).flatten()

    def spread(self, shared: Float[Tensor, " shared"]) -> Float[Tensor, " C"]:
        """Give every channel the scale that it shares."""
        if self.n_sharing == 1:
            return shared
        heads = shared.view(-1, self.d_head)
        return heads.repeat_interleave(self.n_sharing, dim=0).flatten()


def scaling_groups(config: ModelConfig) -> list[ScalingGroup]:
    """List the groups of every block, first block first."""
    return [
        group for layer in range(config.n_layers) for group in _of_block(config, layer)
    ]


@torch.no_grad()
def apply_scale(
    model: nn.Module, group: ScalingGroup, shared: Float[Tensor, " shared"]
) -> None:
    """Scale the group's columns and let the absorber undo it; the function stays.

    Without an absorber the columns are scaled all the same; the caller stores 1/s.
    """
    for name in group.layers:
        weight = model.get_submodule(name).get_parameter("weight")
        weight.mul_(group.spread(shared))
    if group.absorber is None:
        return
    for parameter in model.get_submodule(group.absorber).parameters():
        divisor = shared**group.power
        parameter.div_(divisor.view(-1, *[1] * (parameter.dim() - 1)))


def _of_block(config: ModelConfig, layer: int) -> list[ScalingGroup]:
    at = f"layers.{layer}"
    attention = [f"{at}.self_attn.{name}_proj" for name in "qkvo"]
    feeding = ["gate_proj", "up_proj"] if config.mlp == "swiglu" else ["up_proj"]
    mlp = [f"{at}.mlp.{name}" for name in [*feeding, "down_proj"]]
    down = ScalingGroup(
        (mlp[-1],),
        None if config.mlp.startswith("gelu") else mlp[-2],
        mlp[-1],
        power=0.5 if config.mlp == "relu2" else 1.0,
    )
    absorbs = config.norm_placement == "pre" and config.norm_gain
    is_shared = config.has_value_embedding(layer)
    return [
        *_behind_norm(
            attention[:3], f"{at}.input_layernorm", absorbs and not is_shared
        ),
        _output(config, attention[3], None if is_shared else attention[2]),
        *_behind_norm(mlp[:-1], f"{at}.post_attention_layernorm", absorbs),
        down,
    ]


def _output(config: ModelConfig, layer: str, absorber: str | None) -> ScalingGroup:
    if absorber is None:
        return ScalingGroup((layer,), None, layer)
    n_sharing = config.n_heads // config.n_kv_heads
    return ScalingGroup(
        (layer,), absorber, layer, n_sharing=n_sharing, d_head=config.d_head
    )


def _behind_norm(layers: list[str], norm: str, absorbs: bool) -> list[ScalingGroup]:
    if absorbs:
        return [ScalingGroup(tuple(layers), norm, layers[0])]
    return [ScalingGroup((layer,), None, layers[0]) for layer in layers]
