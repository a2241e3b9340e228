import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.cleaning.config import CleanConfig
from scratchlm.corpus.cleaning.unicode_form import CleanRule, plain_text, unicode_form
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Dropped

ODD = "\r\n\t \x00\x0c\x85\xa0\xad\u0301\u0327\u200b\u200d\u2028\u3000\ufeff\ud800éÅﬁ가"
NFC = CleanConfig(min_chars=1)
NFKC = CleanConfig(min_chars=1, normalise="nfkc")


@settings(deadline=None, max_examples=150)
@given(
    st.text(alphabet=st.characters() | st.sampled_from(ODD)),
    st.sampled_from([NFC, NFKC]),
    st.booleans(),
)
def test_cleaning_twice_is_cleaning_once(text, config, code):
    once = plain_text(text, config, code=code)
    assert plain_text(once, config, code=code) == once
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))
    assert not set(once) & set("\r\0\ufeff\x85\x0c\ud800")
    if not code:
        assert unicodedata.is_normalized(config.normalise.upper(), once)


def test_prose_is_composed_and_code_is_not():
    apart = "cafe\u0301\n"
    assert plain_text(apart, NFC) == "café\n"
    assert plain_text(apart, NFC, code=True) == apart
    both = CleanConfig(normalise_code=True)
    assert plain_text(apart, both, code=True) == "café\n"


def test_compatibility_forms_fold_only_when_asked_for():
    assert plain_text("ﬁn ２\n", NFC) == "ﬁn ２\n"
    assert plain_text("ﬁn ２\n", NFKC) == "fin 2\n"
    none = CleanConfig(normalise="none")
    assert plain_text("cafe\u0301\n", none) == "cafe\u0301\n"


def test_invisible_characters_go_from_prose_and_joiners_stay():
    hidden = "soft\xadly zero\u200bwidth 👩\u200d💻 می\u200cخواهم\n"
    assert plain_text(hidden, NFC) == "softly zerowidth 👩\u200d💻 می\u200cخواهم\n"
    assert plain_text(hidden, NFC, code=True) == hidden
    kept = CleanConfig(remove_invisible=False)
    assert plain_text(hidden, kept) == hidden


def test_unicodes_own_separators_are_line_ends_in_prose():
    assert plain_text("a \u2028b\u2029c\n", NFC) == "a\nb\nc\n"


def test_a_control_between_letter_and_accent_does_not_hide_the_letter():
    assert plain_text("e\x00\u0301\n", NFC) == "é\n"


def test_text_in_its_form_is_not_copied():
    text = "schön"
    assert unicode_form(text, "nfc") is text


@pytest.mark.parametrize("text", ["", " \r\n\t", "\x00\ufeff"])
def test_what_is_empty_after_cleaning_is_dropped(text):
    (verdict,) = CleanRule(NFC).apply([Document("d", text, "s")])
    assert verdict == Dropped("empty", "0 characters")


def test_the_shortest_length_is_kept_and_one_less_dropped():
    rule = CleanRule(CleanConfig(min_chars=5))
    kept, dropped = rule.apply([Document("a", "four", "s"), Document("b", "thr", "s")])
    assert kept.text == "four\n"
    assert dropped == Dropped("shorter than 5 characters", "4 characters")


def test_a_clean_document_is_the_same_object_and_metadata_stay():
    clean = Document("d", "clean\n", "s", {"title": "t"})
    dirty = Document("e", "dirty \r\n", "s", {"title": "t"})
    same, changed = CleanRule(NFC).apply([clean, dirty])
    assert same is clean
    assert (changed.id, changed.text, changed.metadata) == (
        "e",
        "dirty\n",
        {"title": "t"},
    )
