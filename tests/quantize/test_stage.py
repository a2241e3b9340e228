import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from scratchlm.base.errors import UserError
from scratchlm.model.weights import load_model, save_model, state_tensors
from scratchlm.quantize import QuantizeConfig, quantize

CONFIG = QuantizeConfig(group_size=16, n_grid=4)


@pytest.fixture
def source(build_model, tmp_path):
    """The directory of a full-precision model."""
    save_model(build_model(), tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture
def calibration(tokens):
    return tokens.numpy().astype(np.uint16)


def receipt_of(directory):
    return json.loads((directory / "receipt.json").read_text())


def test_the_saved_model_is_the_model_that_was_judged(model, calibration, tmp_path):
    save_model(model, tmp_path / "source")
    result = quantize(CONFIG, tmp_path / "source", calibration, tmp_path / "out")
    assert result == tmp_path / "out" / "model"
    unseen = torch.from_numpy(calibration[-2:].astype(np.int64))
    with torch.no_grad():
        loaded = load_model(result)
        _, loss = loaded(unseen[:, :-1], unseen[:, 1:])
        _, reference = model(unseen[:, :-1], unseen[:, 1:])
    judged = receipt_of(tmp_path / "out")["unseen"]
    assert judged["loss_nats"] == pytest.approx(float(loss), rel=1e-4)
    assert judged["reference_loss_nats"] == pytest.approx(float(reference), rel=1e-4)
    assert 0 < judged["kl_nats"] < 0.5


def test_the_receipt_holds_the_scales_against_rounding_alone(
    source, calibration, tmp_path
):
    rtn = QuantizeConfig(group_size=16, method="rtn")
    for name, config in (("awq", CONFIG), ("rtn", rtn)):
        quantize(config, source, calibration, tmp_path / name)
    awq, alone = (receipt_of(tmp_path / name) for name in ("awq", "rtn"))
    yardstick = awq["unseen_rtn"]["kl_nats"]
    assert yardstick == pytest.approx(alone["unseen"]["kl_nats"], rel=0.05)
    worse = awq["unseen"]["kl_nats"] > yardstick
    assert worse == any("nearest" in note for note in awq["notes"])


def test_the_same_input_gives_the_same_bytes(source, calibration, tmp_path):
    for name in ("a", "b"):
        quantize(CONFIG, source, calibration, tmp_path / name)
    for file in ("model/model.safetensors", "model/model.json", "receipt.json"):
        first, second = (tmp_path / name / file for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
        assert str(tmp_path).encode() not in first.read_bytes()


def test_the_receipt_counts_the_files_bytes(source, calibration, tmp_path):
    weights = quantize(CONFIG, source, calibration, tmp_path / "out")
    full = state_tensors(load_model(source))
    tensors = {name: t.bfloat16() for name, t in full.items()}
    save_file(tensors, tmp_path / "bfloat16.safetensors")
    sizes = receipt_of(tmp_path / "out")["file_bytes"]
    before = (tmp_path / "bfloat16.safetensors").stat().st_size
    after = (weights / "model.safetensors").stat().st_size
    assert sizes["bfloat16"] == before and sizes["quantized"] == after
    assert sizes["ratio"] == pytest.approx(before / after, rel=1e-3)


@pytest.mark.parametrize("tied", [True, False])
def test_the_receipt_says_what_stays_in_full_precision(
    build_model, calibration, tmp_path, tied
):
    model = build_model(tied=tied)
    save_model(model, tmp_path / "source")
    saved = quantize(CONFIG, tmp_path / "source", calibration, tmp_path / "out")
    receipt = receipt_of(tmp_path / "out")
    tensors = load_file(saved / "model.safetensors")
    for dtype, names in receipt["full_precision"].items():
        assert {str(tensors[name].dtype) for name in names} <= {f"torch.{dtype}"}
        assert not any("proj.weight" in name for name in names)
    assert "embed_tokens.weight" in receipt["full_precision"]["bfloat16"]
    assert ("lm_head.weight" in receipt["full_precision"]["bfloat16"]) != tied
    counted = receipt["weights"]
    assert sum(counted.values()) == model.config.n_parameters
    assert len(receipt["layers"]) == sum(name.endswith("qweight") for name in tensors)


def test_a_receipt_names_the_layers_that_no_operation_serves(
    build_model, calibration, tmp_path
):
    save_model(build_model(mlp="gelu"), tmp_path / "source")
    quantize(CONFIG, tmp_path / "source", calibration, tmp_path / "out")
    receipt = receipt_of(tmp_path / "out")
    by_itself = [
        scale["layers"]
        for scale in receipt["scales"]
        if "input_scale" in (scale["absorbed_by"] or "")
    ]
    downs = [[f"layers.{layer}.mlp.down_proj"] for layer in range(2)]
    assert by_itself and all(layers in downs for layers in by_itself)
    expected = f"{len(by_itself)} layers keep an explicit input scale"
    assert receipt["notes"][0].startswith(expected)


def test_what_judges_the_result_had_no_part_in_it(source, calibration, tmp_path):
    other = calibration.copy()
    other[-2:] = (other[-2:] + 1) % 64
    for name, tokens in (("a", calibration), ("b", other)):
        quantize(CONFIG, source, tokens, tmp_path / name)
    files = [tmp_path / name / "model" / "model.safetensors" for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()
    judged = [receipt_of(tmp_path / name)["unseen"] for name in ("a", "b")]
    assert judged[0] != judged[1]


def test_rounding_to_nearest_says_so(source, calibration, tmp_path):
    config = QuantizeConfig(group_size=16, method="rtn")
    saved = quantize(config, source, calibration[:1], tmp_path / "out")
    assert "rounded to nearest" in receipt_of(tmp_path / "out")["notes"][0]
    description = json.loads((saved / "model.json").read_text())["quantization"]
    assert description["method"] == "rtn"


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (np.zeros((0, 8), int), "shape"),
        (np.zeros(8, int), "shape"),
        (np.zeros((4, 1), int), "shape"),
        (np.full((4, 8), 64), "vocabulary"),
        (np.full((4, 8), -1), "vocabulary"),
    ],
)
def test_tokens_that_do_not_fit_are_refused(build_model, tmp_path, tokens, reason):
    save_model(build_model(), tmp_path / "source")
    with pytest.raises(UserError, match=reason):
        quantize(CONFIG, tmp_path / "source", tokens, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_quantised_model_is_not_quantised_again(build_model, calibration, tmp_path):
    save_model(build_model(), tmp_path / "source")
    saved = quantize(CONFIG, tmp_path / "source", calibration, tmp_path / "out")
    with pytest.raises(UserError, match="quantised already"):
        quantize(CONFIG, saved, calibration, tmp_path / "again")


def test_a_mixture_of_experts_is_refused(build_model, calibration, tmp_path):
    save_model(build_model(n_experts=2), tmp_path / "source")
    with pytest.raises(UserError, match="mixture of experts"):
        quantize(CONFIG, tmp_path / "source", calibration, tmp_path / "out")


def test_a_model_that_is_not_finite_is_refused(build_model, calibration, tmp_path):
    model = build_model()
    with torch.no_grad():
        model.layers[1].mlp.up_proj.weight[0, 0] = float("nan")
    save_model(model, tmp_path / "source")
    with pytest.raises(UserError, match=r"layers\.1\.mlp\.up_proj\.weight"):
        quantize(CONFIG, tmp_path / "source", calibration, tmp_path / "out")
