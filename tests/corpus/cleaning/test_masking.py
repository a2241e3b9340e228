import re

from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.cleaning.masking import (
    Span,
    find_in_digits,
    mask_document,
    mask_text,
)
from scratchlm.corpus.document import Document


def finder(pattern, kind):
    def find(text):
        for found in re.finditer(pattern, text):
            yield Span(*found.span(), kind)

    return find


NAMES = {"long": "<L>", "short": "<S>"}


def test_where_spans_overlap_the_first_then_the_longer_stays():
    finders = [finder("bc", "short"), finder("abc", "long"), finder("cd", "short")]
    assert mask_text("abcd", finders, NAMES) == ("<L>d", {"long": 1})
    assert mask_text("xbcd", finders, NAMES) == ("x<S>d", {"short": 1})


def test_nothing_found_is_the_same_object():
    text = "plain"
    masked, counts = mask_text(text, [finder("q", "long")], NAMES)
    assert masked is text and counts == {}


def test_what_a_placeholder_frees_is_masked_too():
    """`a` is masked only at a boundary that the first pass makes."""
    find = finder(r"(?<![a-z])a", "short")
    assert mask_text("aab", [find], NAMES) == ("<S><S>b", {"short": 2})


@settings(max_examples=60)
@given(st.text(alphabet="ab1 "))
def test_masking_twice_is_masking_once(text):
    finders = [finder(r"(?<!\w)a", "short"), finder("b+", "long")]
    once, _ = mask_text(text, finders, NAMES)
    assert mask_text(once, finders, NAMES) == (once, {})


def test_counts_add_up_in_the_metadata_and_the_rest_stays():
    document = Document("d", "a b\n", "s", {"masked": {"other": 2}, "title": "t"})
    masked = mask_document(document, [finder("a", "short")], NAMES)
    assert masked.text == "<S> b\n"
    assert masked.metadata == {"masked": {"other": 2, "short": 1}, "title": "t"}
    assert mask_document(masked, [finder("a", "short")], NAMES) is masked


def test_every_long_stretch_of_digits_is_offered_whole():
    seen = []

    def find(text, begin, end):
        seen.append(text[begin:end])
        return iter(())

    list(find_in_digits([find])("a 1.1.1.1 b (030) 12/34-5 c 12 d +1234567"))
    assert seen == ["1.1.1.1 ", "(030) 12/34-5 ", "+1234567"]
