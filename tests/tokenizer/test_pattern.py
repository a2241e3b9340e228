"""Laws of the split: the same pieces as specified, and as the libraries of others."""

from itertools import chain, pairwise

import numpy as np
import pytest
import tiktoken
import tiktoken_ext.openai_public as published
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from scratchlm import native
from scratchlm.tokenizer.pattern import (
    PATTERN_CODES,
    PATTERNS,
    split_bytes,
    split_text,
)
from scratchlm.tokenizer.scanner import scan_pieces, scan_pieces_of_bytes
from scratchlm.tokenizer.unicode_classes import (
    LETTER,
    LOWER,
    UPPER,
    class_table,
)

NAMES = list(PATTERNS)
CASED = {LETTER | UPPER, LETTER | LOWER}
SPLITTERS = {
    "python": split_bytes,
    "native": lambda name, data: split_in_c(name, data),
}
if native.core is None:
    del SPLITTERS["native"]


def split_in_c(name, data):
    ends = native.core.split(PATTERN_CODES[name], class_table(), data)
    return [data[a:b] for a, b in pairwise([0, *np.frombuffer(ends, np.int64)])]


def tiktoken_cuts(texts, pieces, pattern):
    """Whether tiktoken cuts the texts into just these pieces, by its tokens alone.

    All pieces are tokens, and any two neighbours joined are one, too. Had it cut
    elsewhere, it would merge neighbours of ours, or show parts of a piece.
    """
    ranks = {bytes([byte]): byte for byte in range(256)}
    joined = (a + b for cut in pieces for a, b in pairwise(cut))
    for token in chain(joined, *pieces):
        ranks.setdefault(token.encode(), len(ranks))
    peer = tiktoken.Encoding(
        "pieces", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
    )
    return [peer.encode_ordinary(text) for text in texts] == [
        [ranks[piece.encode()] for piece in cut] for cut in pieces
    ]


@pytest.fixture(scope="module")
def published_patterns():
    """The texts of patterns as tiktoken's own source has them; no file is fetched."""
    with pytest.MonkeyPatch.context() as patch:
        for loader in ("load_tiktoken_bpe", "data_gym_to_mergeable_bpe_ranks"):
            patch.setattr(published, loader, lambda *args, **options: {})
        return {
            "gpt2": published.gpt2()["pat_str"],
            "cl100k": published.cl100k_base()["pat_str"],
            "o200k": published.o200k_base()["pat_str"],
        }


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_those_of_the_library_tokenizers(name, fuzz):
    peer = pre_tokenizers.Split(Regex(PATTERNS[name]), "isolated")
    for text in fuzz(1000, seed=2):
        expected = [piece for piece, _ in peer.pre_tokenize_str(text)]
        assert split_text(name, text) == expected, repr(text)


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_those_of_the_library_tiktoken(name, fuzz):
    texts = fuzz(2000, seed=6)
    pieces = [split_text(name, text) for text in texts]
    assert tiktoken_cuts(texts, pieces, PATTERNS[name])


@pytest.mark.parametrize("name", ["gpt2", "cl100k", "o200k"])
def test_pieces_are_those_of_the_pattern_that_tiktoken_publishes(
    name, fuzz, published_patterns
):
    texts = fuzz(2000, seed=7)
    pieces = [split_text(name, text) for text in texts]
    assert tiktoken_cuts(texts, pieces, published_patterns[name])


def test_the_comparison_with_tiktoken_sees_a_wrong_cut():
    texts, pattern = ["a b", "abc"], PATTERNS["gpt2"]
    assert tiktoken_cuts(texts, [["a", " b"], ["abc"]], pattern)
    assert not tiktoken_cuts(texts, [["a", " b"], ["ab", "c"]], pattern)
    assert not tiktoken_cuts(texts, [["a", " ", "b"], ["abc"]], pattern)
    assert not tiktoken_cuts(texts, [["a b"], ["abc"]], pattern)


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_splitter_cuts_tricky_texts_as_specified(name, splitter, fuzz):
    for text in ["", *fuzz(1000, seed=8)]:
        data = text.encode()
        specified = [piece.encode() for piece in scan_pieces(name, text)]
        assert SPLITTERS[splitter](name, data) == specified, repr(text)


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_splitter_cuts_broken_utf8_as_specified(name, splitter, fuzz):
    for text in fuzz(300, seed=9):
        data = text.encode()
        for broken in (data[1:], data[:-1], data[::-1], data[::2]):
            specified = scan_pieces_of_bytes(name, broken)
            assert SPLITTERS[splitter](name, broken) == specified, broken


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("name", NAMES)
@given(
    data=st.binary(max_size=24) | st.text(st.characters(codec="utf-8")).map(str.encode)
)
def test_every_splitter_cuts_any_bytes_as_specified(name, splitter, data):
    assert SPLITTERS[splitter](name, data) == scan_pieces_of_bytes(name, data)


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "run", ["a", "A", "'s", "7", "!", "/", " ", "\n", "ж", "\u0301"]
)
def test_a_long_run_of_one_thing_is_cut_in_linear_time(name, splitter, run):
    data = (run * 20000 + "x").encode()
    assert b"".join(SPLITTERS[splitter](name, data)) == data


@pytest.mark.parametrize("name", NAMES)
def test_a_lone_surrogate_is_cut_like_a_sign(name, fuzz):
    for text in fuzz(500, seed=10):
        pieces = split_text(name, text.replace("€", "\udc80"))
        assert pieces == [p.replace("€", "\udc80") for p in split_text(name, text)]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_class_of_a_rare_character_matters(name):
    # Beyond the basic plane: every class there, one code point a class.
    beyond = class_table()[0x10000:]
    classes = {code: chr(0x10000 + beyond.index(code)) for code in set(beyond)}
    assert len(classes) == 6
    for a in classes.values():
        for b in classes.values():
            text = f"x{a}{b} {a}\n{b}'s{a}s"
            assert split_text(name, text) == scan_pieces(name, text)


def test_of_all_letters_only_the_long_s_makes_a_contraction_beside_those_of_ascii():
    cased = [chr(p) for p, code in enumerate(class_table()) if code in CASED]
    peer = tiktoken.Encoding(
        "contractions",
        pat_str="(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    for form, letters in {
        "'{}x": "DMSTdmstſ",
        "'{}ex": "DMRSTVdmrstvſ",
        "'r{}x": "Ee",
        "'l{}x": "Ll",
    }.items():
        made = [char for char in cased if peer.encode_ordinary(form.format(char))]
        ours = [c for c in cased if len(scan_pieces("llama3", form.format(c))) == 2]
        assert made == ours == list(letters)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("end", "start"), [("x\n", "A"), ("€\n", "7"), ("x", " a")])
def test_where_no_context_matters_a_text_may_be_parted(name, end, start, fuzz):
    """Before a line's letter or digit, and at a space between two letters.

    Not if white space stood before the newline: of that GPT-2 keeps one for the next.
    """
    texts = fuzz(300, seed=11)
    for before, after in pairwise(texts):
        parts = before + end, start + after
        apart = [piece for part in parts for piece in split_text(name, part)]
        assert split_text(name, "".join(parts)) == apart
