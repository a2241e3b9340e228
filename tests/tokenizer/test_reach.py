"""Laws of reach: a token is out of reach if and only if no text gives it."""

from itertools import product

import pytest

from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.imported import import_tokenizer
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.reach import find_unreachable, is_never_text, is_text

ALPHABET = "aB1 \n!'"


def reasons(tokenizer):
    return {one.token: one.reason for one in find_unreachable(tokenizer)}


def with_tokens(*tokens, pattern="llama3"):
    """A vocabulary where each token is built from its bytes, left to right."""
    ids = {bytes([byte]): byte for byte in range(256)}
    merges = []
    for token in tokens:
        for end in range(2, len(token) + 1):
            if token[:end] not in ids:
                ids[token[:end]] = 256 + len(merges)
                merges.append((ids[token[: end - 1]], ids[token[end - 1 : end]]))
    return Tokenizer.own(merges, pattern)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_out_of_reach_is_what_no_short_text_gives(pattern):
    """Every token of two and three characters, against every text up to five."""
    tokens = ["".join(letters).encode() for letters in product(ALPHABET, repeat=2)]
    tokens += [token + letter.encode() for token in tokens for letter in ALPHABET]
    tokenizer = with_tokens(*tokens, pattern=pattern)
    texts = ["".join(t) for n in range(1, 6) for t in product(ALPHABET, repeat=n)]
    ids, _ = tokenizer.encode_batch_to_numpy(texts, threads=1)
    given = set(ids.tolist())
    lost = {one.id for one in find_unreachable(tokenizer)}
    long = range(256, 256 + len(tokenizer.merges))
    assert lost == set(long) - given
    assert lost and given - lost


def test_an_earlier_merge_takes_a_token_out_of_reach():
    tokenizer = with_tokens(b"bc", b"ab", b"abc")
    assert tokenizer.encode("abc") == [97, 256]
    assert reasons(tokenizer) == {b"abc": "taken"}


def test_a_pattern_takes_a_token_out_of_reach():
    lost = reasons(with_tokens(b"1234", b"a b", b"end"))
    assert lost == {b"1234": "split", b"a ": "split", b"a b": "split"}
    assert reasons(with_tokens(b"1234", pattern="gpt2")) == {}


def test_a_part_of_a_character_is_completed_before_it_is_judged():
    digit, letter = "٠".encode()[:1], "中".encode()[:1]
    assert reasons(with_tokens(b"1" + digit)) == {}
    assert reasons(with_tokens(b"1" + letter)) == {b"1" + letter: "split"}
    assert reasons(with_tokens("中".encode()[1:] + b"a")) == {}
    assert reasons(with_tokens("中".encode()[1:] + b"1")) == {
        "中".encode()[1:] + b"1": "split"
    }


def test_bytes_that_are_no_text_reach_nothing():
    assert reasons(with_tokens(b"\xff\xfe")) == {b"\xff\xfe": "split"}
    assert not is_text(b"\xe4\xb8") and is_text("中".encode())
    never = [byte for byte in range(256) if is_never_text(bytes([byte]))]
    assert never == [0xC0, 0xC1, *range(0xF5, 0x100)]


def test_every_token_that_was_learned_can_occur(texts):
    config = TokenizerConfig(vocab_size=1500)
    assert find_unreachable(train_tokenizer(config, texts)) == []


@pytest.mark.parametrize("form", ["cased", "bert"])
def test_wordpiece_finds_words_that_a_token_continues(texts, form):
    config = TokenizerConfig(kind="wordpiece", form=form, vocab_size=900)
    tokenizer = train_tokenizer(config, texts)
    lost = {one.id for one in find_unreachable(tokenizer)}
    assert lost.isdisjoint(tokenizer.encode("".join(texts)))
    assert len(lost) < 20


def test_gpt2_holds_nothing_out_of_reach_but_under_another_pattern(gpt2_merges):
    gpt2 = import_tokenizer(gpt2_merges)
    assert find_unreachable(gpt2) == []
    other = {
        one.token for one in find_unreachable(import_tokenizer(gpt2_merges, "llama3"))
    }
    assert b" 1" in other and b" the" not in other
