"""Laws of the GGUF file, with the gguf package and transformers' loader as judges."""

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from scratchlm.export import RefusalError
from scratchlm.export.gguf import read_gguf, write_gguf
from scratchlm.export.source import read_source
from scratchlm.model.config import ModelConfig
from scratchlm.model.weights import load_model, save_model
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.huggingface import printable_tokens

from .conftest import SHAPES, SIZES, TEXT, build_model

TOKENS = torch.arange(96).view(2, 48) * 13 % 320


def write(directory, tokenizer, path, kind="auto"):
    source = read_source(directory)
    write_gguf(source, tokenizer, path, kind)
    return source


def load_with_transformers(path, config):
    """Build transformers' model from the file alone, two of its defaults put right."""
    found = dict(load_gguf_checkpoint(path)["config"])
    if found["model_type"] == "qwen3":
        found["head_dim"] = config.d_head  # it takes 128 for granted
    if found["model_type"] == "gpt2":
        found["n_positions"] = found["n_ctx"]
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**found)).eval()
    loaded = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)
    missing, foreign = model.load_state_dict(loaded["tensors"], strict=False)
    model.tie_weights()
    assert set(missing) <= ({"lm_head.weight"} if config.tied else set())
    assert not foreign
    return model


def relative_difference(theirs, ours):
    with torch.no_grad():
        expected = ours(TOKENS)
        return float((theirs(TOKENS).logits - expected).norm() / expected.norm())


@pytest.mark.parametrize("name", SHAPES)
def test_another_reader_computes_the_same_logits(
    name, model_directories, tokenizer, tmp_path
):
    source = write(model_directories / name, tokenizer, tmp_path / "m.gguf", "f32")
    theirs = load_with_transformers(tmp_path / "m.gguf", source.config)
    with torch.no_grad():
        difference = (theirs(TOKENS).logits - source.model(TOKENS)).abs().max()
    assert difference <= 1e-3


@pytest.mark.parametrize(
    ("kind", "bound"), [("f16", 3e-3), ("q8_0", 0.05), ("q4_0", 0.6), ("q4_1", 0.6)]
)
@pytest.mark.parametrize("name", ["modern", "llama", "classic"])
def test_smaller_types_change_the_logits_by_what_they_round(
    name, kind, bound, model_directories, tokenizer, tmp_path
):
    source = write(model_directories / name, tokenizer, tmp_path / "m.gguf", kind)
    theirs = load_with_transformers(tmp_path / "m.gguf", source.config)
    assert 0 < relative_difference(theirs, source.model) < bound


@pytest.mark.parametrize("name", ["modern", "classic"])
def test_a_quantised_model_keeps_its_own_codes(
    name, model_directories, tokenizer, tmp_path
):
    directory = model_directories / f"{name}_4_bits"
    source = write(directory, tokenizer, tmp_path / "m.gguf")
    found = read_gguf(tmp_path / "m.gguf", source.config)
    for tensor, layer in source.quantized.items():
        # only m = -d z is rounded, to float16
        step = layer.scales.float().numpy().repeat(32, 1)[:, : layer.in_features]
        error = np.abs(found[tensor] - source.tensors[tensor])
        assert np.all(error <= 15 * 2.0**-11 * step)
    theirs = load_with_transformers(tmp_path / "m.gguf", source.config)
    assert relative_difference(theirs, load_model(directory)) < 0.02


def test_types_follow_the_tensor(model_directories, tokenizer, tmp_path):
    write(model_directories / "classic_untied", tokenizer, tmp_path / "m.gguf", "q4_0")
    types = {
        tensor.name: tensor.tensor_type.name
        for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors
    }
    assert types["blk.1.attn_qkv.weight"] == types["blk.0.ffn_down.weight"] == "Q4_0"
    assert types["token_embd.weight"] == types["output.weight"] == "Q8_0"
    assert types["position_embd.weight"] == types["blk.0.attn_qkv.bias"] == "F32"


def test_rows_that_no_block_divides_keep_sixteen_bits(tokenizer, tmp_path):
    config = ModelConfig.model_validate(SIZES | {"d_ff": 72})
    save_model(build_model(config), tmp_path / "model")
    write(tmp_path / "model", tokenizer, tmp_path / "m.gguf", "q8_0")
    types = {
        tensor.name: tensor.tensor_type.name
        for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors
    }
    assert types["blk.0.ffn_down.weight"] == "F16"
    assert types["blk.0.ffn_up.weight"] == "Q8_0"


def fields(path):
    reader = gguf.GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items()}


def test_the_file_says_what_the_model_is(model_directories, tokenizer, tmp_path):
    write(model_directories / "modern", tokenizer, tmp_path / "m.gguf")
    found = fields(tmp_path / "m.gguf")
    assert found["general.architecture"] == "qwen3"
    expected = {"context_length": 64, "embedding_length": 64, "block_count": 2}
    expected |= {"feed_forward_length": 96, "attention.head_count": 4}
    expected |= {"attention.head_count_kv": 2, "attention.key_length": 16}
    expected |= {"rope.freq_base": 5000.0, "vocab_size": 320}
    assert {key: found[f"qwen3.{key}"] for key in expected} == expected
    assert found["qwen3.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-6)


def test_the_file_carries_the_whole_tokenizer(model_directories, tokenizer, tmp_path):
    write(model_directories / "modern", tokenizer, tmp_path / "m.gguf")
    found = {
        key.removeprefix("tokenizer."): value
        for key, value in fields(tmp_path / "m.gguf").items()
    }
    tokens = found["ggml.tokens"]
    assert tokens == printable_tokens(tokenizer)
    assert len(set(tokens)) == 320  # a text that comes twice is fatal to llama.cpp
    types = found["ggml.token_type"]
    n_known = 256 + len(tokenizer.merges)
    assert types[:n_known] == [gguf.TokenType.NORMAL] * n_known
    assert types[n_known:304] == [gguf.TokenType.UNUSED] * (304 - n_known)
    assert types[304:] == [gguf.TokenType.CONTROL] * 16
    a, b = tokenizer.merges[0]
    assert found["ggml.merges"][0] == f"{tokens[a]} {tokens[b]}"
    assert found["ggml.model"] == "gpt2"
    assert found["ggml.pre"] == "llama-bpe"
    assert found["ggml.add_bos_token"] is False
    assert found["ggml.eos_token_id"] == tokenizer.end_of_turn_id
    assert found["ggml.eot_token_id"] == tokenizer.end_of_turn_id
    assert "<|assistant|>" in found["chat_template"]


def test_another_reader_gives_the_same_ids(model_directories, tokenizer, tmp_path):
    write(model_directories / "modern", tokenizer, tmp_path / "m.gguf")
    theirs = AutoTokenizer.from_pretrained(tmp_path, gguf_file="m.gguf")
    for text in (TEXT, " \n\n \t x", "I'LL won't 12345678 ½", "東京 👩‍👩‍👧\r\n"):
        assert theirs(text)["input_ids"] == tokenizer.encode(text)


def test_a_vocabulary_that_readers_do_not_know_is_refused(model_directories, tmp_path):
    config = TokenizerConfig(kind="wordpiece", vocab_size=600)
    wordpiece = train_tokenizer(config, [TEXT])
    with pytest.raises(RefusalError, match="only BPE"):
        write(model_directories / "modern", wordpiece, tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"qk_norm": False, "norm_placement": "post"}, "after each residual sum"),
        ({"qk_norm": False, "bias": True}, "biases"),
    ],
)
def test_what_a_reader_would_get_wrong_is_refused(changes, reason, tmp_path):
    save_model(build_model(ModelConfig.model_validate(SIZES | changes)), tmp_path)
    with pytest.raises(RefusalError, match=reason):
        write(tmp_path, None, tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()
