"""Laws of encoding and decoding."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import tiktoken

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import SPECIAL_TOKENS, Tokenizer
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.huggingface import byte_alphabet
from scratchlm.tokenizer.pattern import PATTERNS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tokenizer"


def read_gpt2():
    """GPT-2's tokenizer under our numbers, and our number -> GPT-2's number.

    Its bytes are numbered in the order of its printable alphabet: first the characters
    that stand for themselves, then the others.
    """
    letters = byte_alphabet()
    printable = [byte for byte in range(256) if letters[byte] == chr(byte)]
    others = [byte for byte in range(256) if letters[byte] != chr(byte)]
    theirs = {byte: index for index, byte in enumerate(printable + others)}
    ours = {letters[byte]: byte for byte in range(256)}
    merges = []
    lines = (FIXTURES / "gpt2_merges.txt").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        left, right = line.split(" ")
        merges.append((ours[left], ours[right]))
        ours[left + right] = 255 + len(merges)
    return Tokenizer.own(merges, "gpt2"), theirs


def test_gpt2s_merges_give_gpt2s_ids():
    tokenizer, theirs = read_gpt2()
    vectors = json.loads((FIXTURES / "gpt2_vectors.json").read_text(encoding="utf-8"))
    assert len(vectors) == 255
    for vector in vectors:
        ids = [theirs.get(i, i) for i in tokenizer.encode(vector["text"])]
        assert ids == vector["ids"], vector["text"]
        assert tokenizer.decode(tokenizer.encode(vector["text"])) == vector["text"]


def test_ids_are_tiktokens_for_the_same_vocabulary(any_tokenizer, fuzz, texts):
    n_known = 256 + len(any_tokenizer.merges)
    ranks = {any_tokenizer.token_bytes(i): i for i in range(n_known)}
    assert len(ranks) == n_known
    pattern = PATTERNS[any_tokenizer.pattern]
    peer = tiktoken.Encoding(
        "peer", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
    )
    for text in [*fuzz(4000, 5), texts[0]]:
        assert any_tokenizer.encode(text) == peer.encode_ordinary(text), repr(text)


def test_decoding_gives_the_text_back(any_tokenizer, fuzz):
    for text in ["", *fuzz(2000, 6)]:
        ids = any_tokenizer.encode(text)
        assert any_tokenizer.decode(ids) == text
        assert any_tokenizer.decode_bytes(ids) == text.encode()


def test_every_byte_has_its_own_id_and_any_bytes_decode(tokenizer):
    draw = random.Random(0)
    data = bytes(range(256)) + draw.randbytes(500)
    assert tokenizer.decode_bytes(list(data)) == data
    assert tokenizer.decode(list(data)) == data.decode("utf-8", "replace")


def test_no_text_ever_becomes_a_control_token(any_tokenizer, fuzz):
    names = [*SPECIAL_TOKENS, "<|unused_0|>", "".join(SPECIAL_TOKENS)]
    around = [a + n + a for n, a in zip(names, fuzz(len(names), 7), strict=True)]
    for text in [*names, *around]:
        ids = any_tokenizer.encode(text)
        assert max(ids) < any_tokenizer.first_special_id
        assert any_tokenizer.decode(ids) == text


def test_a_second_encoding_from_the_cache_equals_the_first(tokenizer, fuzz):
    fresh = Tokenizer.own(tokenizer.merges, tokenizer.pattern, tokenizer.vocab_size)
    texts = fuzz(200, 8)
    first = [fresh.encode(text) for text in texts]
    assert [fresh.encode(text) for text in texts] == first
    assert [tokenizer.encode(text) for text in texts] == first


def test_numpy_ids_are_the_same_ids(tokenizer, texts):
    ids = tokenizer.encode_to_numpy(texts[0])
    assert ids.dtype == np.uint16
    assert ids.tolist() == tokenizer.encode(texts[0])
    assert tokenizer.decode(ids) == texts[0]


def test_a_vocabulary_beyond_16_bits_gets_32_bits():
    assert Tokenizer.own((), vocab_size=1 << 16).dtype == np.uint16
    assert Tokenizer.own((), vocab_size=(1 << 16) + 1).dtype == np.uint32


def test_lone_surrogates_become_replacement_characters(tokenizer):
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"
    assert tokenizer.encode("\ud83c\udf89") == tokenizer.encode("\U0001f389")


def test_lone_surrogates_become_replacement_characters_in_every_call(any_tokenizer):
    bad, good = "a\ud800b\ud83c\udf89\udcff", "a\ufffdb\U0001f389\ufffd"
    expected = any_tokenizer.encode(good)
    assert any_tokenizer.encode(bad) == expected
    assert any_tokenizer.encode_batch(["x", bad])[1] == expected
    assert any_tokenizer.encode_to_numpy(bad).tolist() == expected
    assert any_tokenizer.encode_batch_to_numpy([bad])[0].tolist() == expected
    assert any_tokenizer.count(bad) == len(expected)
    assert "".join(any_tokenizer.split(bad)) == good


def test_ids_lie_as_documented_bytes_merges_unused_control():
    tokenizer = Tokenizer.own([(104, 105)], vocab_size=280)
    assert [tokenizer.token_bytes(i) for i in (104, 256)] == [b"h", b"hi"]
    assert tokenizer.n_unused == 7
    assert tokenizer.token_bytes(257) == b""
    assert tokenizer.first_special_id == tokenizer.endoftext_id == 264
    ids = [tokenizer.special_id(name) for name in SPECIAL_TOKENS]
    assert ids == list(range(264, 280))
    named = [tokenizer.pad_id, tokenizer.system_id, tokenizer.user_id]
    assert [*named, tokenizer.assistant_id, tokenizer.end_of_turn_id] == ids[1:6]


def test_byte_lengths_are_the_lengths_of_the_tokens(tokenizer, texts):
    assert tokenizer.byte_lengths.shape == (tokenizer.vocab_size,)
    total = tokenizer.byte_lengths[tokenizer.encode(texts[0])].sum()
    assert total == len(texts[0].encode())
    assert not tokenizer.byte_lengths[tokenizer.first_special_id :].any()


@pytest.mark.parametrize("foreign", [-1, 1000, 1 << 40])
def test_an_id_outside_the_vocabulary_is_refused(tokenizer, foreign):
    with pytest.raises(UserError, match="vocabulary"):
        tokenizer.decode([65, foreign])


def test_too_small_a_vocabulary_is_refused_with_the_remedy():
    with pytest.raises(UserError, match=r"raise tokenizer\.vocab_size"):
        Tokenizer.own([(97, 98)], vocab_size=272)


def test_merges_in_the_wrong_order_are_refused():
    with pytest.raises(UserError, match="order"):
        Tokenizer.own([(97, 257), (97, 98)])


def test_equal_tokenizers_have_equal_hashes_and_others_do_not(tokenizer):
    same = Tokenizer.own(tokenizer.merges, tokenizer.pattern, tokenizer.vocab_size)
    assert same.sha256 == tokenizer.sha256
    assert tokenizer.sha256.startswith(tokenizer.fingerprint)
    others = [
        Tokenizer.own(tokenizer.merges[:-1], tokenizer.pattern, tokenizer.vocab_size),
        Tokenizer.own(tokenizer.merges, "gpt2", tokenizer.vocab_size),
        Tokenizer.own(tokenizer.merges, tokenizer.pattern, tokenizer.vocab_size + 1),
    ]
    assert len({tokenizer.sha256, *(other.sha256 for other in others)}) == 4


def test_a_control_token_is_honoured_where_it_is_allowed(tokenizer):
    text = "a<|endoftext|>b<|pad|>c"
    end, pad = tokenizer.endoftext_id, tokenizer.pad_id
    plain = tokenizer.encode
    assert plain(text, allowed_special={"<|endoftext|>"}) == [
        *plain("a"),
        end,
        *plain("b<|pad|>c"),
    ]
    assert plain(text, allowed_special="all") == [
        *plain("a"),
        end,
        *plain("b"),
        pad,
        *plain("c"),
    ]
    with pytest.raises(UserError, match="no control token"):
        plain(text, allowed_special={"<|other|>"})


def test_the_longest_control_token_wins():
    names = {"<|a|>": 256, "<|a|>b": 257}
    tokenizer = Tokenizer(BPE.own(()), names, 258)
    assert tokenizer.encode("<|a|>b<|a|>", allowed_special="all") == [257, 256]


@pytest.mark.parametrize("unit", ["bytes", "characters"])
def test_offsets_say_where_each_token_stands(any_tokenizer, fuzz, unit):
    for text in ["", *fuzz(300, 21)]:
        ids, offsets = any_tokenizer.encode_with_offsets(text, unit)
        assert ids == any_tokenizer.encode(text)
        whole = text.encode() if unit == "bytes" else text
        for token, (start, end) in zip(ids, offsets, strict=True):
            part = whole[start:end]
            data = part if unit == "bytes" else part.encode()
            assert any_tokenizer.token_bytes(token) in data
            if unit == "bytes":
                assert any_tokenizer.token_bytes(token) == data


def test_truncation_keeps_whole_characters_and_never_too_many_tokens(
    any_tokenizer, fuzz
):
    for text in fuzz(150, 22):
        n_tokens = any_tokenizer.count(text)
        for limit in (0, 1, 2, n_tokens - 1, n_tokens, n_tokens + 5):
            head = any_tokenizer.truncate(text, limit)
            assert text.startswith(head)
            assert any_tokenizer.count(head) <= max(limit, 0)
        assert any_tokenizer.truncate(text, n_tokens) == text


def test_a_long_text_is_truncated_near_its_limit(any_tokenizer, texts):
    head = any_tokenizer.truncate(texts[0], 1000)
    assert 990 <= any_tokenizer.count(head) <= 1000


def test_batches_are_the_texts_one_by_one(any_tokenizer, fuzz):
    batch = fuzz(100, 23)
    listed = any_tokenizer.encode_batch(batch)
    assert listed == [any_tokenizer.encode(text) for text in batch]
    assert any_tokenizer.decode_batch(listed) == batch


def test_a_token_cannot_be_a_control_token_too():
    with pytest.raises(UserError, match="both"):
        Tokenizer(BPE.own(()), {"<|x|>": 65}, 300)
    with pytest.raises(UserError, match="same id"):
        Tokenizer(BPE.own(()), {"<|x|>": 256, "<|y|>": 256}, 300)
    with pytest.raises(UserError, match="too small"):
        Tokenizer(BPE.own(()), {"<|x|>": 256}, 256)
