"""Laws of rank files."""

import json

import pytest
import tiktoken

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.tiktoken_file import (
    check_ids_are_ranks,
    read_tiktoken,
    write_tiktoken,
)
from scratchlm.tokenizer.verify import _read_tiktoken

BYTES = {bytes([value]): value for value in range(256)}


@pytest.fixture
def ranks(tokenizer, tmp_path):
    write_tiktoken(tokenizer, tmp_path)
    return tmp_path / "tokenizer.tiktoken"


def test_tiktoken_gives_the_same_ids(any_tokenizer, fuzz, tmp_path):
    write_tiktoken(any_tokenizer, tmp_path)
    encode, decode = _read_tiktoken(tmp_path)
    for text in fuzz(1000, 21):
        assert encode(text) == any_tokenizer.encode(text), repr(text)
        assert decode(any_tokenizer.encode(text)) == text


def test_the_ranks_are_read_back_to_the_same_ids(tokenizer, ranks, fuzz):
    again = read_tiktoken(ranks)
    assert again.special_tokens == tokenizer.special_tokens
    assert again.vocab_size == tokenizer.vocab_size
    for text in fuzz(1000, 22):
        assert again.encode(text) == tokenizer.encode(text), repr(text)


def test_out_and_in_again_is_the_same_tokenizer(ranks, tmp_path):
    first = read_tiktoken(ranks)
    write_tiktoken(first, tmp_path / "again")
    assert read_tiktoken(tmp_path / "again" / ranks.name).sha256 == first.sha256


def test_the_side_file_holds_what_ranks_lack(tokenizer, ranks):
    side = json.loads(ranks.with_name("tokenizer.tiktoken.json").read_bytes())
    assert side["special_tokens"] == tokenizer.special_tokens
    assert side["n_vocab"] == tokenizer.vocab_size
    assert side["pattern"] == "llama3"
    found = {
        token: rank
        for rank, token in enumerate(read_tiktoken(ranks).model.tokens)
        if token
    }
    peer = tiktoken.Encoding(
        "peer", pat_str=side["pat_str"], mergeable_ranks=found, special_tokens={}
    )
    assert peer.encode("a b") == tokenizer.encode("a b")


def test_ranks_without_a_side_file_need_the_name_of_their_pattern(ranks, tokenizer):
    ranks.with_name("tokenizer.tiktoken.json").unlink()
    with pytest.raises(UserError, match="name its pattern, one of gpt2, cl100k"):
        read_tiktoken(ranks)
    found = read_tiktoken(ranks, "llama3")
    assert found.special_tokens == {}
    assert found.encode("a text ") == tokenizer.encode("a text ")


def test_a_file_that_was_cut_off_or_edited_is_refused(ranks):
    whole = ranks.read_bytes()
    lines = whole.splitlines(keepends=True)
    for damaged in (whole[:-7], b"".join(lines[:-3]), whole.replace(b" 300", b" 301")):
        ranks.write_bytes(damaged)
        with pytest.raises(UserError, match=r"line|edited or cut off"):
            read_tiktoken(ranks)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"!?!? 3\n", "line 1"),
        (b"Hello there\n", "line 1"),
        (b"IQ== 0\n", "255 of the 256 bytes"),
    ],
)
def test_foreign_files_are_refused(content, reason, tmp_path):
    path = tmp_path / "x.tiktoken"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason):
        read_tiktoken(path, "gpt2")


def test_a_vocabulary_whose_ids_are_no_ranks_is_refused(tmp_path):
    ids = {**BYTES, b"ab": 257, b"cd": 256}
    merges = [(b"a", b"b"), (b"c", b"d")]
    tokenizer = Tokenizer(BPE.from_merges(ids, merges, "gpt2"), {}, 258)
    with pytest.raises(UserError, match="do not follow the order of its merges"):
        write_tiktoken(tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_token_that_no_merge_makes_is_refused():
    model = BPE.from_merges({**BYTES, b"ab": 256}, [], "gpt2")
    with pytest.raises(UserError, match="no merge makes"):
        check_ids_are_ranks(model, "tiktoken")
    whole = BPE.from_merges({**BYTES, b"ab": 256}, [], "gpt2", whole_pieces=True)
    check_ids_are_ranks(whole, "tiktoken")
