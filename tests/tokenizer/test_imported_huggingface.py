"""Laws of reading tokenizer.json."""

import copy
import json

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer, to_huggingface_json
from scratchlm.tokenizer.imported_huggingface import find_pattern, read_huggingface_bpe
from scratchlm.tokenizer.pattern import PATTERNS

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}


def split_by(regex, behavior="Isolated", invert=False, **other):
    split = {"type": "Split", "pattern": {"Regex": regex}, **other}
    split |= {"behavior": behavior, "invert": invert}
    return {"type": "Sequence", "pretokenizers": [split, BYTE_LEVEL]}


@pytest.fixture(scope="module")
def small():
    return Tokenizer.own([(104, 105), (32, 256)], vocab_size=280)


def test_our_own_export_is_read_back_as_the_same_tokenizer(any_tokenizer):
    again = read_huggingface_bpe(to_huggingface_json(any_tokenizer))
    assert again.sha256 == any_tokenizer.sha256


def test_unused_slots_stay_unused(small):
    again = read_huggingface_bpe(to_huggingface_json(small))
    assert again.sha256 == small.sha256
    assert again.n_unused == small.n_unused == 6


def test_a_vocabulary_of_tokenizers_own_trainer_gives_its_ids(texts, fuzz):
    peer = tokenizers.Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=800,
        special_tokens=["<|endoftext|>", "<s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    peer.train_from_iterator(texts, trainer)
    ours = read_huggingface_bpe(json.loads(peer.to_str()))
    assert ours.special_tokens == {"<|endoftext|>": 0, "<s>": 1}
    for text in [*fuzz(1000, 24), texts[0]]:
        assert ours.encode(text) == peer.encode(text).ids, repr(text)
    again = tokenizers.Tokenizer.from_str(json.dumps(to_huggingface_json(ours)))
    for text in fuzz(300, 25):
        assert again.encode(text).ids == ours.encode(text), repr(text)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_known_patterns_are_recognised_by_their_text(pattern):
    assert find_pattern(split_by(PATTERNS[pattern])) == pattern


TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@pytest.mark.parametrize(
    ("regex", "pattern"),
    [
        (
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + TAIL,
            "llama3",
        ),
        (
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL,
            "qwen2",
        ),
        (
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+"
            r"| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            "gpt2",
        ),
    ],
)
def test_published_spellings_are_known(regex, pattern):
    assert find_pattern(split_by(regex)) == pattern


def test_the_byte_level_split_of_tokenizers_is_gpt2s():
    assert find_pattern({**BYTE_LEVEL, "use_regex": True}) == "gpt2"


@pytest.mark.parametrize(
    ("pre_tokenizer", "reason"),
    [
        (None, "by nothing"),
        ({"type": "Whitespace"}, "by Whitespace"),
        (BYTE_LEVEL, "by ByteLevel"),
        ({"type": "ByteLevel", "add_prefix_space": True}, "add_prefix_space"),
        (split_by(PATTERNS["gpt2"], "Removed"), "Removed"),
        (split_by(PATTERNS["gpt2"], invert=True), "Isolated"),
        (split_by(r"\w+"), r"known are the patterns gpt2, cl100k"),
        (split_by(PATTERNS["cl100k"].replace(r"\z", "$")), "known are the patterns"),
        (
            {"type": "Sequence", "pretokenizers": [{"type": "Digits"}, BYTE_LEVEL]},
            "Digits and ByteLevel",
        ),
    ],
)
def test_another_split_is_refused_and_the_known_ones_named(pre_tokenizer, reason):
    with pytest.raises(UserError, match=reason):
        find_pattern(pre_tokenizer)


def edit(small, path, value):
    content = copy.deepcopy(to_huggingface_json(small))
    *outer, last = path.split(".")
    inner = content
    for key in outer:
        inner = inner[key]
    inner[last] = value
    return content


ADDED = {"id": 290, "content": "  ", "special": False}


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("normalizer", {"type": "NFC"}, "normalizer NFC"),
        ("decoder", {"type": "Metaspace"}, "Metaspace"),
        ("post_processor", {"type": "Strange"}, "post-processor Strange"),
        ("model.dropout", 0.1, "dropout"),
        ("model.unk_token", "<unk>", "unk_token"),
        ("model.byte_fallback", True, "byte_fallback"),
        ("model.end_of_word_suffix", "</w>", "end_of_word_suffix"),
        ("model.merges", [["h", "i"], ["h"]], "no pair"),
        ("model.merges", [["h", "z"]], "damaged"),
        ("model.vocab", {"a": 0}, "256 bytes"),
        ("model.vocab", {"a": 1 << 60}, "no id of a token"),
        ("model.vocab", {"a": "0"}, "no id of a token"),
        ("model.vocab", {"中": 0}, "alphabet of bytes"),
        ("added_tokens", [ADDED], "no control token"),
        ("added_tokens", [{**ADDED, "content": "<a>", "lstrip": True}], "lstrip"),
    ],
)
def test_what_would_give_other_ids_is_refused_by_name(small, path, value, reason):
    with pytest.raises(UserError, match=reason):
        read_huggingface_bpe(edit(small, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("post_processor", {"type": "TemplateProcessing"}),
        (
            "post_processor",
            {"type": "Sequence", "processors": [{"type": "ByteLevel"}]},
        ),
        ("truncation", {"max_length": 5}),
        ("model.merges", ["h i", "Ġ hi"]),
    ],
)
def test_what_decides_no_ids_of_a_text_is_left_aside(small, path, value):
    assert read_huggingface_bpe(edit(small, path, value)).sha256 == small.sha256


def test_named_tokens_that_are_not_marked_special_are_control_tokens_too(small):
    added = to_huggingface_json(small)["added_tokens"]
    added.append({"id": 280, "content": "<tool_call>", "special": False})
    found = read_huggingface_bpe(edit(small, "added_tokens", added))
    assert found.special_tokens["<tool_call>"] == 280
    assert max(found.encode("<tool_call>")) < 256


def test_a_pattern_that_is_said_stands_for_an_unknown_spelling(small):
    content = edit(small, "pre_tokenizer", split_by(r"\w+|\W+"))
    assert read_huggingface_bpe(content, "qwen2").bpe.pattern == "qwen2"
