"""Laws of the classic model: agreement with an independent implementation."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from scratchlm.base.errors import UserError
from scratchlm.model.classic import (
    CustomLanguageModel,
    LLMConfig,
    from_classic,
    import_classic,
    load_classic,
    save_classic,
    to_classic,
)
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_model

FIXTURE = (
    Path(__file__).parents[1] / "fixtures/classic/custom_language_model.safetensors"
)
CONFIG = LLMConfig(
    vocab_size=256,
    hidden_size=32,
    max_position_embeddings=24,
    num_hidden_layers=2,
    num_attention_heads=4,
)


@pytest.fixture(scope="module")
def stored():
    return load_file(FIXTURE)


def weights_of(stored):
    return {k: v for k, v in stored.items() if not k.startswith("check.")}


@pytest.fixture
def wrapper(stored):
    model = CustomLanguageModel(CONFIG)
    model.load_state_dict(weights_of(stored))
    return model


def test_logits_and_loss_agree_with_the_independent_implementation(wrapper, stored):
    tokens = stored["check.tokens"]
    logits, loss = wrapper(tokens[:, :-1], tokens[:, 1:])
    torch.testing.assert_close(logits, stored["check.logits"], atol=1e-5, rtol=0)
    torch.testing.assert_close(loss, stored["check.loss"], atol=1e-5, rtol=0)


def test_gradients_agree_with_the_independent_implementation(wrapper, stored):
    tokens = stored["check.tokens"]
    wrapper(tokens[:, :-1], tokens[:, 1:])[1].backward()
    ours = {n: p.grad for n, p in wrapper.transformer.named_parameters()}
    gradients = to_classic(ours)
    for name, expected in stored.items():
        if name.startswith("check.grad."):
            found = gradients[name.removeprefix("check.grad.")]
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_the_training_loss_has_the_same_value_and_gradients(stored):
    model = load_classic(FIXTURE)
    tokens = stored["check.tokens"]
    loss = model.loss(tokens[:, :-1], tokens[:, 1:])
    loss.backward()
    torch.testing.assert_close(loss, stored["check.loss"], atol=1e-5, rtol=0)
    expected = stored["check.grad.transformer.wte.weight"]
    torch.testing.assert_close(
        model.embed_tokens.weight.grad, expected, atol=1e-5, rtol=0
    )


def test_targets_of_any_strides_are_taken(wrapper, stored):
    tokens = stored["check.tokens"]
    targets = tokens[:, 1:]
    turned = targets.t().contiguous().t()
    assert not targets.is_contiguous()
    assert turned.stride() != targets.stride()
    losses = [wrapper(tokens[:, :-1], t)[1] for t in (targets, turned)]
    assert losses[0] == losses[1] == wrapper(tokens[:, :-1], targets.clone())[1]


def test_without_targets_there_is_no_loss(wrapper, stored):
    logits, loss = wrapper(stored["check.tokens"][:, :-1])
    assert logits.shape == (2, 24, 256)
    assert loss is None


def test_the_state_has_the_classic_names_and_values(wrapper, stored):
    state = wrapper.state_dict()
    expected = weights_of(stored)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_the_head_stays_tied_after_loading(wrapper):
    with torch.no_grad():
        wrapper.transformer.embed_tokens.weight[7, 3] = 5.0
    assert wrapper.state_dict()["lm_head.weight"][7, 3] == 5.0


def test_renaming_there_and_back_changes_nothing(stored):
    weights = weights_of(stored)
    back = to_classic(from_classic(weights))
    assert back.keys() == weights.keys()
    assert all(torch.equal(back[name], weights[name]) for name in weights)


def test_a_foreign_name_is_refused(stored):
    with pytest.raises(UserError, match="rotary"):
        from_classic({"transformer.h.0.rotary.weight": torch.zeros(1)})


def test_the_heads_are_found_by_the_check_that_the_file_carries():
    assert load_classic(FIXTURE).config.n_heads == 4


def test_wrong_heads_are_refused_by_the_check():
    with pytest.raises(UserError, match=r"differ by .* check \(8 heads\)"):
        load_classic(FIXTURE, n_heads=8)


def test_a_file_without_check_or_heads_asks_for_them(stored, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(weights_of(stored), path)
    with pytest.raises(UserError, match="--heads"):
        load_classic(path)
    assert load_classic(path, n_heads=4).config.n_heads == 4


def test_a_head_of_its_own_is_refused(stored, tmp_path):
    path = tmp_path / "weights.safetensors"
    weights = weights_of(stored)
    save_file({**weights, "lm_head.weight": weights["lm_head.weight"] + 1}, path)
    with pytest.raises(UserError, match="not tied"):
        load_classic(path, n_heads=4)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not weights"])
def test_a_file_that_is_no_safetensors_is_refused(content, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a safetensors file"):
        load_classic(path)


def test_a_missing_file_and_foreign_weights_are_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_classic(tmp_path / "none.safetensors")
    save_file({"encoder.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="no classic model"):
        load_classic(tmp_path / "other.safetensors")


def test_an_imported_model_is_an_ordinary_model_directory(stored, tmp_path):
    import_classic(FIXTURE, tmp_path / "model")
    model = load_model(tmp_path / "model")
    logits = model(stored["check.tokens"][:, :-1])
    torch.testing.assert_close(logits, stored["check.logits"], atol=1e-5, rtol=0)


def test_a_saved_classic_file_knows_its_heads_and_loads_back(tmp_path):
    model = load_classic(FIXTURE)
    save_classic(model, tmp_path / "a.safetensors")
    again = load_classic(tmp_path / "a.safetensors")
    assert again.config == model.config
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_saving_again_gives_the_same_bytes(tmp_path):
    model = load_classic(FIXTURE)
    contents = set()
    for name in "abc":
        save_classic(model, tmp_path / name)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1


def test_another_shape_has_no_classic_names(tmp_path):
    sizes = {"n_layers": 1, "n_heads": 2, "n_kv_heads": 2, "d_model": 16, "d_ff": 32}
    config = ModelConfig.model_validate({"vocab_size": 32, **sizes})
    with pytest.raises(UserError, match="only the classic shape"):
        save_classic(Transformer(config), tmp_path / "x.safetensors")


def test_the_saved_configuration_is_readable_by_others(tmp_path):
    save_classic(load_classic(FIXTURE), tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert json.loads(file.metadata()["config"]) == CONFIG.model_dump()
