"""Laws of the lists of words: whole words, one's own files, draws by the text alone."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.bad_words import doomed_bad_words, judge_bad_words
from scratchlm.corpus.filters.config import BadWordConfig
from scratchlm.corpus.rule import Dropped


@pytest.fixture
def lists(tmp_path):
    contents = {"en": "darn\nheck of\n\nC++\n", "ja": "ばか\n性\n"}
    for language, entries in contents.items():
        (tmp_path / language).write_text(entries, encoding="utf-8")
    return {language: str(tmp_path / language) for language in contents}


def is_dropped(text, lists, language=None, **settings):
    metadata = {} if language is None else {"language": language}
    document = Document("d", text, "s", metadata)
    config = BadWordConfig(lists=lists, **settings)
    verdict = judge_bad_words(document, config, "unicode")
    assert isinstance(verdict, Dropped) or verdict is document
    return isinstance(verdict, Dropped)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("darn", True),
        ("Oh DARN!", True),
        ("darned", False),
        ("one heck of a day", True),
        ("heckof", False),
        ("we write c++ code", True),
        ("", False),
    ],
)
def test_entries_are_whole_words_in_any_case(lists, text, dropped):
    assert is_dropped(text, lists) is dropped


def test_where_words_have_no_blanks_an_entry_counts_anywhere(lists):
    assert is_dropped("おばかさん", lists, "ja")
    assert not is_dropped("女性", lists, "ja")  # an ordinary part of words


def test_a_language_without_a_list_passes(lists):
    assert not is_dropped("darn", lists, "de")
    assert not is_dropped("darn", lists, default_language="fr")


def test_the_share_that_stays_is_drawn_by_the_text_alone(lists):
    texts = [f"darn {n}" for n in range(400)]
    left = {t for t in texts if not is_dropped(t, lists, keep_ratio=0.25)}
    again = {t for t in reversed(texts) if not is_dropped(t, lists, keep_ratio=0.25)}
    assert left == again and 60 < len(left) < 140
    assert not any(is_dropped(t, lists, keep_ratio=1) for t in texts)


@pytest.mark.parametrize("keep_ratio", [0, 0.9])
def test_the_doomed_text_is_dropped(lists, keep_ratio):
    config = BadWordConfig(lists=lists, keep_ratio=keep_ratio)
    language, text = doomed_bad_words(config)
    assert is_dropped(text, lists, language, keep_ratio=keep_ratio)


def test_where_nothing_is_dropped_nothing_is_doomed(lists):
    assert doomed_bad_words(BadWordConfig()) is None
    assert doomed_bad_words(BadWordConfig(lists=lists, keep_ratio=1)) is None


@pytest.mark.parametrize("content", [None, b"\n\n", b"\xff\xfe"])
def test_a_list_that_names_nothing_is_a_mistake(tmp_path, content):
    if content is not None:
        (tmp_path / "bad").write_bytes(content)
    with pytest.raises(UserError, match="bad"):
        is_dropped("text", {"en": str(tmp_path / "bad")})


def test_rules_that_are_built_again_read_the_lists_again(tmp_path):
    lists = {"en": str(tmp_path / "bad")}
    for word, other in (("darn", "heck"), ("heck", "darn")):
        (tmp_path / "bad").write_text(f"{word}\n")
        assert doomed_bad_words(BadWordConfig(lists=lists)) == ("en", word)
        assert is_dropped(word, lists)
        assert not is_dropped(other, lists)
