"""Weights on an integer grid: the grid, its packing, and a linear layer that holds it.

Each row of a weight is cut into groups of `group_size` consecutive input channels.
A group has one scale s and one zero point z, and a weight w becomes the code

    q = clamp(round(w / s) + z, 0, 2^bits - 1),      w ≈ (q - z) s.

The range that s and z cover always contains zero: a group whose weights all have one
sign would otherwise lose its zero point to the clamp, and be cut off.

Worked example, 4 bits, one group [-0.3, 0.0, 0.45]: s = 0.75 / 15 = 0.05, z = 6,
codes [0, 6, 15], which come back as [-0.3, 0.0, 0.45].

Two 4-bit codes share a byte, the even channel in the low half.

Axes: R rows (output channels), C input channels, G groups of a row.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float16, UInt8
from torch import Tensor, nn

SUPPORTED_BITS = (4, 8)
_SMALLEST_SCALE = 2.0**-20  # still exact enough in float16, where 2^-24 is the end


class Grid(NamedTuple):
    """The scale and zero point of every group."""

    scales: Float16[Tensor, "R G"]
    zero_points: UInt8[Tensor, "R G"]


class QuantizedRows(NamedTuple):
    """A weight as integer codes on a grid; what `quantize_rows` returns."""

    codes: UInt8[Tensor, "R C"]
    grid: Grid


def count_groups(n_channels: int, group_size: int) -> int:
    """Count the groups of one row; the last one may be shorter."""
    return -(-n_channels // group_size)


def grouped(
    weight: Float[Tensor, "R C"], group_size: int
) -> Float[Tensor, "R G group_size"]:
    """Cut rows into groups; a short last group is filled up with zeros."""
    missing = -weight.shape[1] % group_size
    padded = F.pad(weight, (0, missing))
    return padded.reshape(len(weight), -1, group_size)


def build_grid(
    low: Float[Tensor, "R G"], high: Float[Tensor, "R G"], bits: int
) -> Grid:
    """Lay the asymmetric grid over the ranges [low, high], widened to hold zero.

    The scale is rounded to float16, as it is stored, before anything uses it.
    """
    low, high = low.float().clamp(max=0), high.float().clamp(min=0)
    scales = ((high - low) / (2**bits - 1)).clamp(min=_SMALLEST_SCALE).half()
    zero_points = torch.round(-low / scales.float()).clamp(0, 2**bits - 1)
    return Grid(scales, zero_points.to(torch.uint8))


def round_to_grid(
    weight: Float[Tensor, "R C"], grid: Grid, bits: int, group_size: int
) -> UInt8[Tensor, "R C"]:
    """Round every weight to the nearest point of its group's grid."""
    groups = grouped(weight.float(), group_size)
    codes = torch.round(groups / grid.scales.float().unsqueeze(2))
    codes = codes + grid.zero_points.unsqueeze(2)
    codes = codes.clamp(0, 2**bits - 1).to(torch.uint8)
    return codes.flatten(1)[:, : weight.shape[1]]


def quantize_rows(
    weight: Float[Tensor, "R C"], bits: int, group_size: int
) -> QuantizedRows:
    """Round a weight to nearest, on the grid of each group's smallest and largest."""
    groups = grouped(weight.float(), group_size)
    grid = build_grid(groups.amin(2), groups.amax(2), bits)
    return QuantizedRows(round_to_grid(weight, grid, bits, group_size), grid)


def dequantize(
    codes: UInt8[Tensor, "R C"], grid: Grid, group_size: int
) -> Float[Tensor, "R C"]:
    """Turn codes back into float32 weights: (q - z) s."""
    groups = grouped(codes.float(), group_size)
    groups = groups - grid.zero_points.float().unsqueeze(2)
    weight = groups * grid.scales.float().unsqueeze(2)
    return weight.flatten(1)[:, : codes.shape[1]]


def pack_codes(codes: UInt8[Tensor, "R n"], bits: int) -> UInt8[Tensor, "R n_bytes"]:
    """Pack codes into bytes, the first of a byte in its low bits."""
    if bits == 8:
        return codes
    pairs = F.pad(codes, (0, codes.shape[1] % 2))
    return pairs[:, 0::2] | (pairs[:, 1::2] << 4)


def unpack_codes(
    packed: UInt8[Tensor, "R n_bytes"], n_codes: int, bits: int
) -> UInt8[Tensor, "R n_codes"]:
    """Undo `pack_codes`."""
    if bits == 8:
        return packed
    pairs = torch.stack((packed & 15, packed >> 4), dim=2)
    return pairs.flatten(1)[:, :n_codes]


class QuantizedLinear(nn.Module):
    """A linear layer whose weight is packed codes on a grid.

    Buffers: `qweight` uint8 (R, C·bits/8), `scales` float16 (R, G), `zero_points`
    uint8 (R, G·bits/8), and, only where asked for, `input_scale` float16 (C,): the
    input is multiplied by it first. That is for activation-aware scales that no
    earlier operation can absorb; it costs nothing here, because it is a factor on
    the columns of the decoded weight. `bias` (R,) stays a float parameter.
    """

    qweight: Tensor
    scales: Tensor
    zero_points: Tensor
    input_scale: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bits: int = 4,
        group_size: int = 32,
        bias: bool = False,
        input_scale: bool = False,
        keep_decoded: bool = True,
    ) -> None:
        """Build an empty layer, to be filled by `store` or by a state dict.

        Args:
            in_features: input channels C.
            out_features: output channels R.
            bits: 4 or 8.
            group_size: input channels that share a scale.
            bias: whether there is a bias.
            input_scale: whether the input is scaled.
            keep_decoded: keep the decoded weight between calls: as fast as a plain
                layer, and as large; False decodes at every call.
        """
        super().__init__()
        assert bits in SUPPORTED_BITS, bits
        self.in_features, self.out_features = in_features, out_features
        self.bits, self.group_size = bits, group_size
        self.keep_decoded = keep_decoded
        self._decoded: Tensor | None = None
        R, G = out_features, count_groups(in_features, group_size)
        self.register_buffer("qweight", _no_codes(R, in_features, bits))
        self.register_buffer("scales", torch.zeros(R, G, dtype=torch.float16))
        self.register_buffer("zero_points", _no_codes(R, G, bits))
        scale = torch.ones(in_features, dtype=torch.float16) if input_scale else None
        self.register_buffer("input_scale", scale)
        self.bias = nn.Parameter(torch.zeros(R)) if bias else None

    @property
    def grid(self) -> Grid:
        """The grid, with its zero points unpacked."""
        n_groups = self.scales.shape[1]
        return Grid(self.scales, unpack_codes(self.zero_points, n_groups, self.bits))

    @property
    def codes(self) -> UInt8[Tensor, "R C"]:
        """The codes, unpacked."""
        return unpack_codes(self.qweight, self.in_features, self.bits)

    @torch.no_grad()
    def store(
        self,
        rows: QuantizedRows,
        input_scale: Float16[Tensor, " C"] | None = None,
        bias: Float[Tensor, " R"] | None = None,
    ) -> "QuantizedLinear":
        """Fill the layer with codes on their grid; returns the layer itself."""
        assert (input_scale is None) == (self.input_scale is None)
        assert (bias is None) == (self.bias is None)
        self.qweight.copy_(pack_codes(rows.codes, self.bits))
        self.scales.copy_(rows.grid.scales)
        self.zero_points.copy_(pack_codes(rows.grid.zero_points, self.bits))
        if input_scale is not None and self.input_scale is not None:
            self.input_scale.copy_(input_scale)
        if bias is not None and self.bias is not None:
            self.bias.copy_(bias)
        self._decoded = None
        return self

    def decode(self) -> Float[Tensor, "R C"]:
        """Decode the weight to float32, the input scale folded into its columns."""
        weight = dequantize(self.codes, self.grid, self.group_size)
        if self.input_scale is not None:
            weight = weight * self.input_scale.float()
        return weight

    def forward(self, x: Float[Tensor, "*B C"]) -> Float[Tensor, "*B R"]:
        """Multiply by the decoded weight, in the type of `x`."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.linear(x, self._weight(x.dtype), bias)

    def _weight(self, dtype: torch.dtype) -> Tensor:
        if not self.keep_decoded:
            return self.decode().to(dtype)
        if self._decoded is None or self._decoded.dtype != dtype:
            with torch.inference_mode(False), torch.no_grad():  # usable outside, too
                self._decoded = self.decode().to(dtype)
        return self._decoded

    def _apply(
        self, fn: Callable[[Tensor], Tensor], recurse: bool = True
    ) -> "QuantizedLinear":
        """Move the buffers, but keep the type of the scales: `.bfloat16()` on the
        model must not round the grid.
        """
        kept = {"scales": self.scales, "input_scale": self.input_scale}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in kept.items():
            after = getattr(self, name)
            if before is not None and after.dtype != before.dtype:
                setattr(self, name, before.to(after.device))
        self._decoded = None
        return self

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._decoded = None

    def extra_repr(self) -> str:
        """Say what the layer is, in the words of `nn.Linear`."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bits={self.bits}, group_size={self.group_size}"
        )


def quantize_structure(model: nn.Module, quantization: Mapping[str, Any]) -> nn.Module:
    """Replace the named linear layers of a model by empty quantised ones, in place.

    After this a state dict that `quantize` saved fits the model.

    Args:
        model: any module whose named children are `nn.Linear`.
        quantization: what model.json holds under that name:
            `{"bits": 4, "group_size": 32, "modules": {name: {"input_scale": bool}}}`.
    """
    bits, group_size = quantization["bits"], quantization["group_size"]
    for name, options in quantization["modules"].items():
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Linear), f"{name} is no linear layer"
        replacement = QuantizedLinear(
            layer.in_features,
            layer.out_features,
            bits=bits,
            group_size=group_size,
            bias=layer.bias is not None,
            input_scale=options["input_scale"],
        ).to(layer.weight.device)
        model.set_submodule(name, replacement)
    return model


def _no_codes(n_rows: int, n_codes: int, bits: int) -> UInt8[Tensor, "R n_bytes"]:
    return torch.zeros(n_rows, -(-n_codes * bits // 8), dtype=torch.uint8)
