"""Laws of BERT's cleaning, its words, and the frame of its inputs."""

import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

from scratchlm.tokenizer.bert import BertSplit, clean, join_bert_inputs, strip_accents

FORMS = [BertSplit(True, True), BertSplit(False, False), BertSplit(True, False)]
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def library_words(text, form):
    """What Hugging Face's library makes of a text."""
    normalizer = normalizers.BertNormalizer(
        lowercase=form.lower, strip_accents=form.strip_accents
    )
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(
        normalizer.normalize_str(text)
    )
    return [word for word, _ in words]


@cache
def is_classed_alike(character, form):
    text = f"x{character}y {character}"
    return library_words(text, form) == form.scan_words(text)


def shared(text, form):
    """The text without characters that are newer than the library's tables."""
    return "".join(c for c in text if is_classed_alike(c, form))


@pytest.mark.parametrize("form", FORMS)
def test_words_are_those_of_the_library_but_for_newer_characters(form, fuzz, texts):
    for text in [*texts, *fuzz(1500, 21)]:
        text = shared(text.encode(errors="replace").decode(), form)
        assert form.split_words(text) == library_words(text, form), repr(text)


def test_the_characters_that_differ_are_those_that_are_written_down(repository):
    path = repository / "benchmarks" / "results" / "tokenizer_wordpiece.json"
    runs = json.loads(path.read_text())["runs"]
    listed = {run["form"]: run for run in runs if "differing_code_points" in run}
    points = {*range(0x20, 0x3100, 3), *range(0xA000, 0x12000, 31)}
    for name, form in (("lower", FORMS[0]), ("cased", FORMS[1])):
        ranges = listed[name]["differing_code_points"]["ranges"]
        written = {point for run in ranges for point in read_range(run)}
        assert min(written) > 0x5FF  # none of Latin, Greek, Cyrillic, Hebrew
        points -= {*range(0xD800, 0xE000)}
        found = {p for p in points if not is_classed_alike(chr(p), form)}
        assert found == written & points


def read_range(text):
    first, _, last = text.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


@given(ANY_TEXT)
def test_the_fast_way_gives_the_words_of_the_specification(text):
    for form in FORMS:
        assert form.split_words(text) == form.scan_words(text)


def test_the_fast_way_agrees_on_the_texts_that_tokenizers_stumble_over(fuzz):
    for text in fuzz(1500, 22):
        for form in FORMS:
            assert form.split_words(text) == form.scan_words(text), repr(text)


@given(ANY_TEXT)
def test_words_hold_no_space_no_control_and_nothing_is_empty(text):
    for word in FORMS[0].scan_words(text):
        assert word and word == clean(word) and " " not in word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't STOP!", ["don", "'", "t", "stop", "!"]),
        ("naïve Ångström", ["naive", "angstrom"]),
        ("你好ab", ["你", "好", "ab"]),
        ("a\u200bb\x00c\ufffd", ["abc"]),
        ("a\u00a0b\u3000c\x85d", ["a", "b", "cd"]),
        ("ΟΔΟΣ", ["οδοσ"]),
        ("$5 +6 ^7", ["$", "5", "+", "6", "^", "7"]),
        ("[CLS]", ["[", "cls", "]"]),
        ("", []),
        (" \t\r\n", []),
    ],
)
def test_words_by_hand(text, words):
    assert FORMS[0].scan_words(text) == words == FORMS[0].split_words(text)


def test_the_cased_form_of_bert_keeps_case_and_accents():
    assert BertSplit(False, False).split_words("Naïve!") == ["Naïve", "!"]


def test_marks_that_stay_take_their_canonical_order():
    # class 224 before 222: the order is turned, then the second one stays alone
    assert strip_accents("a\u302e\u0327\u302a") == "a\u302e"
    assert strip_accents("\U0001d165\u302e") == "\U0001d165\u302e"
    assert strip_accents("\u302e\U0001d165") == "\U0001d165\u302e"


def test_one_text_and_two_texts_are_framed_with_their_segments():
    assert join_bert_inputs(1, 2, [7, 8]) == ([1, 7, 8, 2], [0, 0, 0, 0])
    ids, segments = join_bert_inputs(1, 2, [7], [8, 9])
    assert ids == [1, 7, 2, 8, 9, 2]
    assert segments == [0, 0, 0, 1, 1, 1]
