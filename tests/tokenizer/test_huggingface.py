"""Laws of the export to Hugging Face's form."""

import json

import pytest
import tokenizers
from transformers import AutoTokenizer

from scratchlm.tokenizer import SPECIAL_TOKENS, Tokenizer, to_huggingface_json
from scratchlm.tokenizer.huggingface import (
    byte_alphabet,
    printable_tokens,
    to_huggingface_config,
)


def export(tokenizer):
    return tokenizers.Tokenizer.from_str(json.dumps(to_huggingface_json(tokenizer)))


def test_every_text_has_the_same_ids_there(any_tokenizer, fuzz, texts):
    peer = export(any_tokenizer)
    batch = [*fuzz(3000, 11), texts[0]]
    for text, encoding in zip(batch, peer.encode_batch(batch), strict=True):
        assert encoding.ids == any_tokenizer.encode(text), repr(text)


def test_every_text_decodes_there_too(tokenizer, fuzz):
    peer = export(tokenizer)
    for text in fuzz(300, 12):
        assert peer.decode(tokenizer.encode(text)) == text


def test_the_vocabulary_there_has_every_id_once_control_tokens_at_the_end(tokenizer):
    peer = export(tokenizer)
    assert peer.get_vocab_size() == tokenizer.vocab_size
    names = [peer.id_to_token(i) for i in range(tokenizer.vocab_size)]
    assert names == printable_tokens(tokenizer)
    assert tuple(names[-16:]) == SPECIAL_TOKENS


def test_unused_slots_have_names_that_no_text_reaches():
    tokenizer = Tokenizer.own([(104, 105)], vocab_size=300)
    peer = export(tokenizer)
    assert peer.get_vocab_size() == 300
    text = "hi <|unused_0|>"
    assert peer.encode(text).ids == tokenizer.encode(text)
    assert peer.token_to_id("<|unused_0|>") == 257
    assert len(set(printable_tokens(tokenizer))) == 300


def test_control_tokens_are_recognised_there(tokenizer):
    peer = export(tokenizer)
    expected = [tokenizer.special_id(name) for name in SPECIAL_TOKENS]
    assert peer.encode("".join(SPECIAL_TOKENS)).ids == expected


def test_the_alphabet_of_bytes_is_the_librarys():
    theirs = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert sorted(byte_alphabet()) == sorted(theirs)
    assert byte_alphabet()[ord(" ")] == "Ġ"


@pytest.mark.parametrize("context_length", [None, 256])
def test_transformers_loads_the_directory_with_our_settings(
    tokenizer, tmp_path, context_length
):
    config = to_huggingface_config(tokenizer, context_length)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    content = json.dumps(to_huggingface_json(tokenizer))
    (tmp_path / "tokenizer.json").write_text(content)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.bos_token_id == tokenizer.endoftext_id
    assert loaded.eos_token_id == tokenizer.end_of_turn_id
    assert loaded.pad_token_id == tokenizer.pad_id
    assert len(loaded) == tokenizer.vocab_size
    assert context_length in (None, loaded.model_max_length)
    text = "a , b  don't .\n"
    assert loaded(text)["input_ids"] == tokenizer.encode(text)
    assert loaded.decode(tokenizer.encode(text)) == text
    assert "raise_exception" in loaded.chat_template


def test_the_files_are_the_same_bytes_each_time(tokenizer):
    again = Tokenizer.own(tokenizer.merges, tokenizer.bpe.pattern, tokenizer.vocab_size)
    assert json.dumps(to_huggingface_json(again)) == json.dumps(
        to_huggingface_json(tokenizer)
    )
