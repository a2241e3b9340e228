import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

from scratchlm.model.quantized_linear import (
    QuantizedLinear,
    QuantizedRows,
    build_grid,
    dequantize,
    pack_codes,
    quantize_rows,
    quantize_structure,
    round_to_grid,
    unpack_codes,
)

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 40))


def random_weight(rows, channels, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, channels, generator=generator) * scale


def filled(weight, *, input_scale=None, bias=None, **options):
    layer = QuantizedLinear(
        weight.shape[1],
        weight.shape[0],
        input_scale=input_scale is not None,
        bias=bias is not None,
        **options,
    )
    rows = quantize_rows(weight, layer.bits, layer.group_size)
    return layer.store(rows, input_scale, bias)


def test_the_worked_example_of_the_page():
    weight = torch.tensor([[-0.3, 0.0, 0.45]])
    codes, grid = quantize_rows(weight, bits=4, group_size=3)
    assert codes.tolist() == [[0, 6, 15]]
    assert grid.zero_points.tolist() == [[6]]
    assert float(grid.scales) == pytest.approx(0.05, rel=1e-3)
    torch.testing.assert_close(dequantize(codes, grid, 3), weight, atol=1e-3, rtol=1e-3)


@settings(deadline=None, max_examples=60)
@given(
    SIZES,
    st.sampled_from([4, 8]),
    st.sampled_from([2, 3, 8, 32]),
    st.integers(0, 99),
    st.sampled_from([1e-3, 1.0, 300.0]),
)
def test_no_weight_moves_further_than_its_groups_step(size, bits, group, seed, scale):
    """Half a step for the weight, half for the zero point, and float16's rounding."""
    weight = random_weight(*size, seed=seed, scale=scale)
    codes, grid = quantize_rows(weight, bits, group)
    steps = grid.scales.float().repeat_interleave(group, dim=1)[:, : size[1]]
    moved = (dequantize(codes, grid, group) - weight).abs()
    off = steps / 2048 + 2.0**-25  # what rounding a scale to float16 may change
    assert bool((moved <= steps + 2**bits * off).all())


@pytest.mark.parametrize("sign", [1, -1])
def test_a_group_of_one_sign_keeps_its_weights(sign):
    """Without zero in the range all of these would be cut to the largest code."""
    weight = sign * torch.tensor([[7.0, 7.5, 8.0, 8.5]])
    codes, grid = quantize_rows(weight, bits=4, group_size=4)
    moved = (dequantize(codes, grid, 4) - weight).abs()
    assert float(moved.max()) <= float(grid.scales) / 2 + 1e-2


def test_zero_stays_exactly_zero():
    weight = random_weight(4, 32)
    weight[:, ::3] = 0
    decoded = dequantize(*quantize_rows(weight, 4, 8), 8)
    assert not decoded[:, ::3].any()
    assert not dequantize(*quantize_rows(torch.zeros(2, 5), 4, 4), 4).any()


def test_rounding_again_on_the_same_grid_changes_nothing():
    codes, grid = quantize_rows(random_weight(8, 48), 4, 16)
    assert torch.equal(round_to_grid(dequantize(codes, grid, 16), grid, 4, 16), codes)


def test_a_narrower_range_cuts_what_lies_beyond_it():
    grid = build_grid(torch.tensor([[-1.0]]), torch.tensor([[0.5]]), bits=4)
    weight = torch.tensor([[-3.0, 0.5, 9.0]])
    codes = round_to_grid(weight, grid, 4, 3)
    assert codes.tolist() == [[0, 15, 15]]


@given(SIZES, st.sampled_from([4, 8]), st.randoms(use_true_random=False))
def test_packing_loses_nothing(size, bits, random):
    rows = [[random.randrange(2**bits) for _ in range(size[1])] for _ in range(size[0])]
    codes = torch.tensor(rows, dtype=torch.uint8)
    packed = pack_codes(codes, bits)
    assert packed.shape == (size[0], -(-size[1] * bits // 8))
    assert torch.equal(unpack_codes(packed, size[1], bits), codes)


def test_the_even_channel_lies_in_the_low_half_of_its_byte():
    codes = torch.tensor([[1, 2, 3]], dtype=torch.uint8)
    assert pack_codes(codes, 4).tolist() == [[0x21, 0x03]]


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("channels", [32, 33])
def test_the_layer_multiplies_by_the_decoded_weight(bits, channels):
    weight, bias = random_weight(6, channels), random_weight(1, 6)[0]
    scale = (random_weight(1, channels, seed=3)[0].abs() + 0.5).half()
    layer = filled(weight, bits=bits, group_size=8, input_scale=scale, bias=bias)
    x = random_weight(5, channels, seed=1).view(5, 1, channels)
    plain = dequantize(*quantize_rows(weight, bits, 8), 8)
    expected = (x * scale.float()) @ plain.t() + bias
    torch.testing.assert_close(layer(x), expected)
    layer.keep_decoded = False
    torch.testing.assert_close(layer(x), expected)


def test_a_state_dict_travels_through_safetensors():
    layer = filled(random_weight(6, 40), group_size=16)
    other = QuantizedLinear(40, 6, group_size=16)
    other(torch.ones(1, 40))  # what it has decoded so far must not stay
    other.load_state_dict(load(save(layer.state_dict())))
    x = random_weight(3, 40, seed=1)
    assert torch.equal(other(x), layer(x))
    assert {name: str(t.dtype) for name, t in layer.state_dict().items()} == {
        "qweight": "torch.uint8",
        "scales": "torch.float16",
        "zero_points": "torch.uint8",
    }


def test_four_bits_in_groups_of_32_take_4_625_bits_a_weight():
    """Half a byte, and a 2-byte scale and half a byte of zero point for 32."""
    tensors = QuantizedLinear(64, 8, group_size=32).state_dict().values()
    n_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert n_bytes * 8 / (64 * 8) == 4.625


def test_a_models_precision_does_not_round_its_grid():
    scale = torch.full((32,), 1.001).half()
    layer = filled(random_weight(4, 32), input_scale=scale)
    before = layer.decode()
    model = nn.Sequential(layer).bfloat16()
    assert torch.equal(layer.decode(), before)
    out = model(torch.ones(1, 32, dtype=torch.bfloat16))
    assert out.dtype == torch.bfloat16


def test_a_weight_decoded_for_inference_serves_training_too():
    layer = filled(random_weight(4, 32))
    with torch.inference_mode():
        layer(torch.ones(1, 32))
    x = torch.ones(1, 32, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.decode().sum(0, keepdim=True))


def test_the_structure_is_rebuilt_for_a_saved_state_dict():
    def build():
        return nn.ModuleDict({"a": nn.Linear(16, 4), "b": nn.Linear(16, 4, bias=False)})

    quantization = {
        "bits": 4,
        "group_size": 8,
        "modules": {"a": {"input_scale": True}, "b": {"input_scale": False}},
    }
    source = quantize_structure(build(), quantization)
    codes = quantize_rows(random_weight(4, 16), 4, 8)
    assert isinstance(source["a"], QuantizedLinear)
    source["a"].store(codes, torch.rand(16).half(), torch.rand(4))
    source["b"].store(QuantizedRows(*codes))
    target = quantize_structure(build(), quantization)
    target.load_state_dict(load(save(source.state_dict())))
    x = random_weight(2, 16)
    for name in "ab":
        assert torch.equal(target[name](x), source[name](x))
