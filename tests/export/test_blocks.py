"""Laws of the quantised blocks: byte for byte those of the reference."""

import gguf
import numpy as np
import pytest
import torch

from scratchlm.export.blocks import pack_grid, pack_q4_0, pack_q4_1, pack_q8_0
from scratchlm.model.quantized_linear import dequantize, quantize_rows

TYPE = gguf.GGMLQuantizationType
PACKERS = {"Q8_0": pack_q8_0, "Q4_0": pack_q4_0, "Q4_1": pack_q4_1}


def weights():
    """Rows of several sizes, with zeros, ties and one-signed blocks among them."""
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(40, 96)).astype(np.float32)
    weight *= 10.0 ** generator.integers(-4, 3, (40, 1)).astype(np.float32)
    weight[0, :32], weight[1], weight[2] = 0, np.abs(weight[1]), -np.abs(weight[2])
    weight[3] = np.repeat([-2.0, 2.0, 0.5], 32)
    weight[4] = (np.arange(96) % 32 - 15.5) * 0.5  # codes that fall on halves
    return weight


@pytest.mark.parametrize("kind", PACKERS)
def test_the_bytes_are_those_of_the_reference(kind):
    found = PACKERS[kind](weights())
    expected = gguf.quants.quantize(weights(), TYPE[kind])
    assert found.shape == expected.shape
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("kind", "steps"), [("Q8_0", 254), ("Q4_0", 15), ("Q4_1", 15)])
def test_no_weight_moves_more_than_a_step_of_its_block(kind, steps):
    weight = weights()
    weight = weight[np.abs(weight).max(1) > 0.1]  # scales that float16 holds in full
    back = gguf.quants.dequantize(PACKERS[kind](weight), TYPE[kind])
    reach = 2 * np.abs(weight).reshape(-1, 3, 32).max(2).repeat(32, axis=1)
    assert np.all(np.abs(back - weight) <= 1.01 * reach / steps)


def test_our_own_codes_go_into_q4_1_without_being_rounded_again():
    weight = torch.from_numpy(weights())
    rows = quantize_rows(weight, 4, 32)
    packed = pack_grid(
        rows.codes.numpy(), rows.grid.scales.numpy(), rows.grid.zero_points.numpy()
    )
    back = gguf.quants.dequantize(packed, TYPE.Q4_1)
    expected = dequantize(rows.codes, rows.grid, 32).numpy()
    # only m is rounded, to float16: half a unit in its 11th binary digit, z <= 15
    step = rows.grid.scales.numpy().astype(np.float32).repeat(32, axis=1)
    assert np.all(np.abs(back - expected) <= 15 * step * 2.0**-11)
