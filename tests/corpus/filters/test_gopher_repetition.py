"""Laws of Gopher's repetition rules: counted by hand, struck past the threshold."""

import re
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scratchlm import native
from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import GopherRepetitionConfig
from scratchlm.corpus.filters.gopher_repetition import (
    doomed_repetition,
    judge_repetition,
)
from scratchlm.corpus.filters.ngrams import count_repeated, repeated_chars, top_chars
from scratchlm.corpus.rule import Dropped

OFF = {
    "max_paragraph_ratio": inf,
    "max_paragraph_char_ratio": inf,
    "max_line_ratio": inf,
    "max_line_char_ratio": inf,
    "max_top_ratios": (inf,) * 3,
    "max_repeated_ratios": (inf,) * 6,
}


def judge(text, **settings):
    """The reason, or None where the document passes as it is."""
    document = Document("d", text, "s")
    config = GopherRepetitionConfig(**settings)
    verdict = judge_repetition(document, config, "white_space")
    assert isinstance(verdict, Dropped) or verdict is document
    return verdict.reason if isinstance(verdict, Dropped) else None


def plain_reason(text, config):
    """The same rules, written down a second time: without C, bounds, or haste."""
    if not text:
        return "empty"
    paragraphs, lines = re.split(r"\n{2,}", text.strip()), re.split("\n+", text)
    for name, parts, limits in (
        ("paragraphs", paragraphs, ("max_paragraph_ratio", "max_paragraph_char_ratio")),
        ("lines", lines, ("max_line_ratio", "max_line_char_ratio")),
    ):
        count, chars = count_repeated(parts)
        if count / len(parts) > getattr(config, limits[0]):
            return f"too many repeated {name}"
        if chars / len(text) > getattr(config, limits[1]):
            return f"too much text in repeated {name}"
    for n, limit in zip((2, 3, 4), config.max_top_ratios, strict=True):
        if top_chars(text.split(), n) / len(text) > limit:
            return f"one {n}-gram too frequent"
    for n, limit in zip(range(5, 11), config.max_repeated_ratios, strict=True):
        if repeated_chars(text.split(), n) / len(text) > limit:
            return f"too much text in repeated {n}-grams"
    return None


def different(n, chars=5):
    return [f"{i:0{chars}}" for i in range(n)]


def test_text_that_repeats_nothing_passes(core):
    assert judge(" ".join(different(200))) is None


@pytest.mark.parametrize("newline", ["\n\n", "\n\n\n", "\n\n\n\n\n"])
def test_paragraphs_are_parted_by_any_number_of_empty_lines(core, newline):
    limits = {**OFF, "max_paragraph_ratio": 0.3}
    passing = [*different(7), "00000", "00001", "00002"]
    assert judge(newline.join(passing), **limits) is None
    too_many = judge(newline.join([*different(6), *different(3)]), **limits)
    assert too_many == "too many repeated paragraphs"


def test_characters_of_repeated_paragraphs_are_a_share_of_all(core):
    limits = {**OFF, "max_paragraph_char_ratio": 0.2}
    text = "x" * 20 + "\n\n" + "x" * 20 + "\n\n"
    assert judge(text + "y" * 56, **limits) is None  # 20 of 100
    assert "repeated paragraphs" in judge(text + "y" * 55, **limits)


def test_a_newline_at_both_ends_is_a_repeated_empty_line(core):
    limits = {**OFF, "max_line_ratio": 0.3}
    assert judge("a\nb", **limits) is None
    assert judge("\na\n", **limits) == "too many repeated lines"  # "", a, ""
    assert judge("\na\nb\n", **limits) is None  # 1 of 4
    assert judge("a\n\n\nb\n", **limits) is None
    assert judge("\n\n\n", **limits) == "too many repeated lines"
    assert judge("\n\r\n", **limits) == judge("\n \n", **limits) is not None


def test_one_word_is_no_n_gram_and_two_are_the_most_frequent(core):
    assert judge("word") is None
    assert judge("two words") == "one 2-gram too frequent"


def test_an_empty_text_is_not_judged(core):
    assert judge("") == "empty"
    assert judge("   ") is None
    assert judge("\x00") is None


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_top_n_gram_passes_at_its_threshold(core, n):
    index = n - 2
    limits = {
        **OFF,
        "max_top_ratios": tuple(0.2 if i == index else inf for i in range(3)),
    }
    gram = " ".join(["ab"] * 0 + [f"w{i}" for i in range(n)])
    text = f"{gram} - {gram} "
    fits = text + "x" * (10 * len(gram) - len(text))
    assert judge(fits, **limits) is None
    assert judge(fits[:-1], **limits) == f"one {n}-gram too frequent"


@pytest.mark.parametrize("n", range(5, 11))
def test_repeated_n_grams_pass_at_their_threshold(core, n):
    ratios = tuple(0.1 if m == n else inf for m in range(5, 11))
    limits = {**OFF, "max_repeated_ratios": ratios}
    words = [f"word{chr(97 + i)}" for i in range(n)]
    text = " ".join([*words, "-", *words]) + " "
    fits = text + "x" * (10 * 5 * n - len(text))
    assert judge(fits, **limits) is None
    assert judge(fits[:-1], **limits) == f"too much text in repeated {n}-grams"


texts = st.lists(
    st.sampled_from(
        ["a", "b ", "ab c", "a bc", "\n", "\n\n", "\n\n\n", " ", "\r\n", "\x00"]
    ),
    max_size=40,
).map("".join)
ratio = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0, inf])


@pytest.mark.skipif(native.core is None, reason=native.why)
@given(
    text=st.one_of(texts, st.text()),
    limits=st.lists(ratio, min_size=13, max_size=13),
)
@example(text="\na\n", limits=[inf, inf, 1 / 3, inf, *[inf] * 9])
@example(text="\n\n", limits=[0.3, 0.2] * 2 + [0.2] * 9)
@example(text="a\n\n\n\n\na\n\n\nb", limits=[1 / 3, *[inf] * 12])
def test_the_rules_are_those_that_are_written_down_twice(text, limits):
    config = GopherRepetitionConfig(
        max_paragraph_ratio=limits[0],
        max_paragraph_char_ratio=limits[1],
        max_line_ratio=limits[2],
        max_line_char_ratio=limits[3],
        max_top_ratios=tuple(limits[4:7]),
        max_repeated_ratios=tuple(limits[7:]),
    )
    assert judge(text, **config.model_dump()) == plain_reason(text, config)


def test_the_doomed_text_is_dropped_by_each_rule_alone(core):
    for name, value in OFF.items():
        limit = (0.89,) * len(value) if isinstance(value, tuple) else 0.89
        settings = {**OFF, name: limit}
        config = GopherRepetitionConfig(**settings)
        assert judge(doomed_repetition(config), **settings)
        one = {**OFF, name: 0.89} if not isinstance(value, tuple) else None
        for i in range(len(value) if isinstance(value, tuple) else 0):
            one = {
                **OFF,
                name: tuple(0.89 if i == j else inf for j in range(len(value))),
            }
            text = doomed_repetition(GopherRepetitionConfig(**one))
            assert len(text) > 100 and judge(text, **one)
    assert judge(doomed_repetition(GopherRepetitionConfig(**OFF)), **OFF) == "empty"
