"""Laws of the Hugging Face directory, with transformers as the judge."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from scratchlm.base.errors import UserError
from scratchlm.export.huggingface import write_huggingface
from scratchlm.export.source import read_source
from scratchlm.model.weights import load_model
from scratchlm.tokenizer import render_conversation

from .conftest import SHAPES, TEXT

TOKENS = torch.arange(96).view(2, 48) * 13 % 320


def export(directory, tokenizer, target, dtype="float32"):
    return write_huggingface(read_source(directory), tokenizer, target, dtype)


def greedy(model, tokens, n_new):
    with torch.no_grad():
        for _ in range(n_new):
            best = model(tokens)[:, -1:].argmax(-1)
            tokens = torch.cat([tokens, best], 1)
    return tokens


@pytest.mark.parametrize("name", SHAPES)
def test_transformers_computes_the_same_logits_and_continuation(
    name, model_directories, tokenizer, tmp_path
):
    loader = export(model_directories / name, tokenizer, tmp_path)
    ours = load_model(model_directories / name)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert type(theirs).__name__ == loader
    with torch.no_grad():
        difference = (theirs(TOKENS).logits - ours(TOKENS)).abs().max()
    assert difference <= 1e-4
    short = TOKENS[:1, :8]
    continued = theirs.generate(short, max_new_tokens=16, eos_token_id=None)
    assert torch.equal(continued, greedy(ours, short, 16))


def test_a_llama_with_biases_keeps_them(tokenizer, tmp_path):
    from scratchlm.model.config import ModelConfig
    from scratchlm.model.weights import save_model

    from .conftest import SIZES, build_model

    changes = {"qk_norm": False, "bias": True}
    model = build_model(ModelConfig.model_validate(SIZES | changes))
    save_model(model, tmp_path / "model")
    export(tmp_path / "model", tokenizer, tmp_path / "hf")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "hf").eval()
    with torch.no_grad():
        assert (theirs(TOKENS).logits - model(TOKENS)).abs().max() <= 1e-4


def test_a_quantised_model_is_exported_as_what_it_computes(
    model_directories, tokenizer, tmp_path
):
    export(model_directories / "modern_4_bits", tokenizer, tmp_path)
    ours = load_model(model_directories / "modern_4_bits")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert (theirs(TOKENS).logits - ours(TOKENS)).abs().max() <= 1e-4


def test_half_precision_is_written_as_such(model_directories, tokenizer, tmp_path):
    export(model_directories / "modern", tokenizer, tmp_path, "bfloat16")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert theirs.dtype == torch.bfloat16


TEXTS = [
    TEXT,
    "",
    " \n\n  \t x",
    "I'LL won't ſ 12345678 ½ Ⅷ",
    "e\u0301 👩‍👩‍👧 東京\u3000!\r\n",
    "\x00\x1c\u200b end",
]


def test_the_tokenizer_gives_the_same_ids(model_directories, tokenizer, tmp_path):
    export(model_directories / "modern", tokenizer, tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert theirs(text)["input_ids"] == ids
        assert theirs.decode(ids) == text
    names = (theirs.bos_token, theirs.eos_token, theirs.pad_token)
    assert names == ("<|endoftext|>", "<|end_of_turn|>", "<|pad|>")
    assert theirs.eos_token_id == tokenizer.end_of_turn_id


def test_the_chat_template_renders_what_we_render(
    model_directories, tokenizer, tmp_path
):
    export(model_directories / "modern", tokenizer, tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "\n  What does `add` do?\n"},
    ]
    found = theirs.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=True
    )
    expected, _ = render_conversation(tokenizer, messages, add_generation_prompt=True)
    assert found["input_ids"] == expected


def test_generation_stops_at_the_end_of_a_turn(model_directories, tokenizer, tmp_path):
    export(model_directories / "classic", tokenizer, tmp_path)
    generation = json.loads((tmp_path / "generation_config.json").read_text())
    ends = [tokenizer.end_of_turn_id, tokenizer.endoftext_id]
    assert generation["eos_token_id"] == ends
    assert json.loads((tmp_path / "config.json").read_text())["n_positions"] == 64


def test_diagram_is_refused_and_leaves_nothing(model_directories, tokenizer, tmp_path):
    with pytest.raises(UserError, match="after each residual sum"):
        export(model_directories / "diagram", tokenizer, tmp_path / "hf")
    assert not (tmp_path / "hf").exists()


def test_without_a_tokenizer_the_weights_are_written_alone(model_directories, tmp_path):
    export(model_directories / "classic", None, tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert theirs.config.eos_token_id is None
