"""Laws of a tokenizer as key-values of GGUF."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.gguf_values import (
    CONTROL,
    NORMAL,
    UNUSED,
    from_gguf_values,
    gguf_values,
    read_gguf_values,
    write_gguf_vocabulary,
)

from .conversations import CHAT_TOKENIZER

KNOWN = {"llama3": "llama-bpe", "qwen2": "qwen2", "gpt2": "gpt-2"}
BYTES = {bytes([value]): value for value in range(256)}
SPECIAL = {"<|endoftext|>": 258}


@pytest.mark.parametrize("pattern", KNOWN)
def test_the_splits_that_llama_cpp_knows_are_named(pattern):
    values = gguf_values(Tokenizer.own([(104, 105)], pattern, 300))
    assert values["tokenizer.ggml.model"] == "gpt2"
    assert values["tokenizer.ggml.pre"] == KNOWN[pattern]
    assert values["tokenizer.ggml.merges"] == ["h i"]


@pytest.mark.parametrize("pattern", ["digits2", "o200k"])
def test_a_split_that_llama_cpp_does_not_know_is_refused(pattern):
    with pytest.raises(UserError, match=f"pattern {pattern}; it knows llama3"):
        gguf_values(Tokenizer.own([], pattern))


def test_cl100k_goes_out_where_its_white_space_cannot_show():
    hidden = Tokenizer.own([(32, 32), (10, 10), (256, 10)], "cl100k")
    assert gguf_values(hidden)["tokenizer.ggml.pre"] == "llama-bpe"
    again = from_gguf_values(gguf_values(hidden))
    for text in ("a\n  ", "a \n \n", " \n", "\n\t", "x  \r\n   "):
        assert again.encode(text) == hidden.encode(text)
    with pytest.raises(UserError, match="white space at the end of a text"):
        gguf_values(Tokenizer.own([(10, 32)], "cl100k"))


def test_every_id_has_a_text_of_its_own_and_a_type():
    values = gguf_values(Tokenizer.own([(104, 105)], vocab_size=300))
    tokens = values["tokenizer.ggml.tokens"]
    assert len(tokens) == len(set(tokens)) == 300
    types = values["tokenizer.ggml.token_type"]
    assert types == [NORMAL] * 257 + [UNUSED] * 27 + [CONTROL] * 16


def test_nothing_is_left_for_llama_cpp_to_guess(tokenizer):
    values = gguf_values(tokenizer)
    assert values["tokenizer.ggml.bos_token_id"] == tokenizer.endoftext_id
    assert values["tokenizer.ggml.eos_token_id"] == tokenizer.end_of_turn_id
    assert values["tokenizer.ggml.eot_token_id"] == tokenizer.end_of_turn_id
    assert values["tokenizer.ggml.padding_token_id"] == tokenizer.pad_id
    assert values["tokenizer.ggml.add_bos_token"] is False
    assert values["tokenizer.ggml.add_space_prefix"] is False
    assert "<|assistant|>" in values["tokenizer.chat_template"]


def test_the_chat_template_decides_which_token_ends_a_turn():
    values = gguf_values(CHAT_TOKENIZER, "chatml")
    end = CHAT_TOKENIZER.special_id("<|im_end|>")
    assert values["tokenizer.ggml.eot_token_id"] == end
    assert "<|im_start|>" in values["tokenizer.chat_template"]


def test_a_file_is_read_back_to_the_same_ids(any_tokenizer, fuzz, tmp_path):
    write_gguf_vocabulary(any_tokenizer, tmp_path)
    values = read_gguf_values(tmp_path / "tokenizer.gguf")
    assert values == gguf_values(any_tokenizer)
    again = from_gguf_values(values)
    assert again.special_tokens == any_tokenizer.special_tokens
    for text in fuzz(500, 23):
        assert again.encode(text) == any_tokenizer.encode(text)


@pytest.mark.parametrize(
    ("model", "specials", "reason"),
    [
        (BPE.own([]), {}, "without control tokens"),
        (BPE.own([]), {"a": 258, "<|endoftext|>": 257}, "name of two tokens"),
        (BPE.from_merges({**BYTES, b"ab": 256}, [], "llama3"), SPECIAL, "no merge"),
        (
            BPE.from_merges({**BYTES, b"ab": 256}, [], "gpt2", whole_pieces=True),
            SPECIAL,
            "do not lead to token 256",
        ),
    ],
)
def test_a_vocabulary_that_llama_cpp_would_misread_is_refused(model, specials, reason):
    with pytest.raises(UserError, match=reason):
        gguf_values(Tokenizer(model, specials, 259))


def test_foreign_key_values_are_refused():
    with pytest.raises(UserError, match="'llama' that splits as 'default'"):
        from_gguf_values(
            {"tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default"}
        )
