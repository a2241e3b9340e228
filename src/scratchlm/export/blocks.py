"""Quantised blocks of the GGUF format: 32 weights of a row share a scale.

    Q8_0  d float16, 32 signed bytes q             w = d q            34 bytes
    Q4_0  d float16, 16 bytes of two codes         w = d (q - 8)      18 bytes
    Q4_1  d and m float16, 16 bytes of two codes   w = d q + m        20 bytes

Byte j of the 4-bit blocks holds code j in its low half and code j + 16 in its high
half. Q4_0's scale is the largest weight, sign kept, over -8, so that it is hit
exactly. Q4_1 is an asymmetric grid: our own 4-bit layers with groups of 32 go into it
code by code, with m = -d z.

Axes: R rows, C input channels, N = R C / 32 blocks.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

BLOCK = 32
"""Weights of a block."""


def fits_blocks(n_channels: int) -> bool:
    """Whether a row of this length can be cut into blocks."""
    return n_channels % BLOCK == 0


def pack_q8_0(weight: Floats) -> Bytes:
    """Round (R, C) weights to 8 bits: (R, C / 32 x 34) bytes."""
    blocks = weight.reshape(-1, BLOCK)
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    codes = _round_half_away(blocks * _inverse(scale)).astype(np.int8)
    return _join(weight, _half(scale), codes.view(np.uint8))


def pack_q4_0(weight: Floats) -> Bytes:
    """Round (R, C) weights to 4 bits, symmetrically: (R, C / 32 x 18) bytes."""
    blocks = weight.reshape(-1, BLOCK)
    at = np.abs(blocks).argmax(1)[:, None]
    scale = np.take_along_axis(blocks, at, 1) / np.float32(-8)
    codes = np.floor(blocks * _inverse(scale) + np.float32(8.5)).clip(0, 15)
    return _join(weight, _half(scale), _pair(codes.astype(np.uint8)))


def pack_q4_1(weight: Floats) -> Bytes:
    """Round (R, C) weights to 4 bits between least and largest: C / 32 x 20 bytes."""
    blocks = weight.reshape(-1, BLOCK)
    low, high = blocks.min(1, keepdims=True), blocks.max(1, keepdims=True)
    scale = (high - low) / np.float32(15)
    codes = np.floor((blocks - low) * _inverse(scale) + np.float32(0.5)).clip(0, 15)
    return _join(weight, _half(scale), _half(low), _pair(codes.astype(np.uint8)))


def pack_grid(codes: Bytes, scales: NDArray[np.float16], zero_points: Bytes) -> Bytes:
    """Write codes of an asymmetric grid, groups of 32, as Q4_1 blocks, unrounded.

    Args:
        codes: (R, C), 0 to 15.
        scales: (R, C / 32).
        zero_points: (R, C / 32), 0 to 15.

    Returns:
        (R, C / 32 x 20) bytes. Only m = -scale x zero_point is rounded, to float16.
    """
    low = -scales.astype(np.float32) * zero_points.astype(np.float32)
    parts = _half(scales.reshape(-1, 1)), _half(low.reshape(-1, 1))
    return _join(codes, *parts, _pair(codes.reshape(-1, BLOCK)))


def _inverse(scale: Floats) -> Floats:
    safe = np.where(scale == 0, np.float32(1), scale)
    return np.where(scale == 0, np.float32(0), np.float32(1) / safe)


def _round_half_away(values: Floats) -> Floats:
    size = np.abs(values)
    whole = np.floor(size)
    rounded: Floats = np.copysign(whole + (size - whole >= 0.5), values)
    return rounded


def _half(values: NDArray[np.floating]) -> Bytes:
    return values.astype("<f2").view(np.uint8)


def _pair(codes: Bytes) -> Bytes:
    half = BLOCK // 2
    return codes[:, :half] | (codes[:, half:] << np.uint8(4))


def _join(rows: NDArray[np.generic], *parts: Bytes) -> Bytes:
    return np.concatenate(parts, axis=1).reshape(len(rows), -1)
