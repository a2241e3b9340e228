import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from scratchlm.base.errors import UserError
from scratchlm.model.weights import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    build_empty_model,
    load_model,
    save_model,
    state_tensors,
)

ARCHITECTURES = {
    "modern": {},
    "classic": {"position": "learned", "norm": "layernorm", "bias": True, "tied": True},
    "diagram": {"norm": "layernorm", "norm_placement": "post", "qk_norm": False},
}
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture
def saved(build_model, tmp_path):
    save_model(build_model(), tmp_path)
    return tmp_path


@every_architecture
def test_what_is_saved_is_what_is_loaded(build_model, tokens, tmp_path, name):
    model = build_model(**ARCHITECTURES[name])
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert again.config == model.config
    assert not again.training
    state = again.state_dict()
    for key, tensor in model.state_dict().items():
        assert torch.equal(state[key], tensor), key
    with torch.no_grad():
        assert torch.equal(again(tokens), model(tokens))


@every_architecture
def test_the_same_model_gives_the_same_bytes(build_model, tmp_path, name):
    for copy in "ab":
        save_model(build_model(**ARCHITECTURES[name]), tmp_path / copy)
    for file in (CONFIG_FILE, WEIGHTS_FILE):
        contents = [(tmp_path / copy / file).read_bytes() for copy in "ab"]
        assert contents[0] == contents[1]


def test_a_tied_head_is_stored_once_and_stays_tied(build_model, tmp_path):
    model = build_model(tied=True)
    save_model(model, tmp_path)
    stored = load_file(tmp_path / WEIGHTS_FILE)
    assert "lm_head.weight" not in stored
    assert sum(t.numel() for t in stored.values()) == model.config.n_parameters
    again = load_model(tmp_path)
    assert again.lm_head.weight is again.embed_tokens.weight


def test_the_names_are_those_of_llama_shaped_checkpoints(build_model):
    names = set(state_tensors(build_model(n_layers=1)))
    layer = {
        f"layers.0.{name}.weight"
        for name in (
            *(f"self_attn.{p}_proj" for p in "qkvo"),
            *(f"self_attn.{p}_norm" for p in "qk"),
            *(f"mlp.{p}_proj" for p in ("gate", "up", "down")),
            "input_layernorm",
            "post_attention_layernorm",
        )
    }
    assert names == layer | {"embed_tokens.weight", "norm.weight", "lm_head.weight"}


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_file_cut_anywhere_is_refused(saved, share):
    path = saved / WEIGHTS_FILE
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_model(saved)


@pytest.mark.parametrize("file", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_missing_file_is_named(saved, file):
    (saved / file).unlink()
    with pytest.raises(UserError, match=f"{file} does not exist"):
        load_model(saved)


@pytest.mark.parametrize("content", ["[]", '{"model_type": "llama"}', "{"])
def test_a_foreign_description_is_refused(saved, content):
    (saved / CONFIG_FILE).write_text(content)
    with pytest.raises(UserError, match=r"model\.json"):
        load_model(saved)


def test_weights_of_another_shape_are_refused(saved):
    path = saved / CONFIG_FILE
    description = json.loads(path.read_text())
    description["config"]["d_ff"] = 25
    path.write_text(json.dumps(description))
    with pytest.raises(UserError, match=r"do not fit the config: .*mlp"):
        load_model(saved)


def test_a_missing_tensor_is_named(saved):
    tensors = load_file(saved / WEIGHTS_FILE)
    del tensors["layers.1.mlp.up_proj.weight"]
    save_file(tensors, saved / WEIGHTS_FILE)
    with pytest.raises(UserError, match=r"layers\.1\.mlp\.up_proj\.weight"):
        load_model(saved)


def test_a_broken_write_leaves_the_old_model(build_model, saved, monkeypatch):
    before = load_file(saved / WEIGHTS_FILE)

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(UserError, match="disk is full"):
        save_model(build_model(seed=1), saved)
    for name, tensor in load_file(saved / WEIGHTS_FILE).items():
        assert torch.equal(tensor, before[name])
    assert sorted(p.name for p in saved.iterdir()) == [CONFIG_FILE, WEIGHTS_FILE]


def test_what_is_said_beside_the_config_joins_the_description(build_model, tmp_path):
    save_model(build_model(), tmp_path, {"note": 1})
    assert json.loads((tmp_path / CONFIG_FILE).read_text())["note"] == 1


def test_loading_draws_no_random_number(saved):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_model(saved)
    assert torch.equal(torch.rand(3), expected)


def test_an_empty_model_is_whole_but_for_its_parameters(build_model):
    changes = {"tied": True, "n_experts": 3, "value_embeddings": "alternate"}
    model = build_model(**changes)
    empty = build_empty_model(model.config)
    assert empty.lm_head.weight is empty.embed_tokens.weight
    for (name, one), other in zip(model.named_buffers(), empty.buffers(), strict=True):
        assert torch.equal(one, other), name
    for seeded in (model, empty):
        seeded.reset_parameters(seed=7)
    for (name, one), other in zip(
        model.named_parameters(), empty.parameters(), strict=True
    ):
        assert torch.equal(one, other), name
