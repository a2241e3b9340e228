"""Words that no document may hold: C4's filter, on lists of one's own.

An entry counts in the lower-cased text between characters that are no part of a word,
or at an end of the text; anywhere in Japanese, Thai and Chinese, less a few entries
that are ordinary parts of words there.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import BadWordConfig
from scratchlm.corpus.filters.words import WordForm
from scratchlm.corpus.rule import Dropped, Verdict

_NO_BLANKS = ("ja", "th", "zh")
_ORDINARY = frozenset({"sm", "グロ", "女の子", "性"})


def judge_bad_words(
    document: Document, config: BadWordConfig, words: WordForm
) -> Verdict:
    """The document as it is, or the reason; languages without a list pass."""
    language = document.metadata.get("language") or config.default_language
    path = config.lists.get(language)
    if path is None:
        return document
    found = _entry(path, language in _NO_BLANKS).search(document.text.lower())
    if found is None or _is_kept(document.text, config.keep_ratio):
        return document
    return Dropped(f"a word of the {language} list", found[0].strip())


def doomed_bad_words(config: BadWordConfig) -> tuple[str, str] | None:
    """A language, and a text in it that this configuration drops. The lists are read
    anew: rules that are built again may find other words in the same files.
    """
    _entry.cache_clear()
    _read_entries.cache_clear()
    for language, path in sorted(config.lists.items()):
        for entry in _read_entries(path):
            for n in range(1, 200 if config.keep_ratio < 1 else 1):
                text = " ".join([entry] * n)
                if not _is_kept(text, config.keep_ratio):
                    return language, text
    return None


def _is_kept(text: str, ratio: float) -> bool:
    """Drawn by the text alone, whatever else is in the corpus."""
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(data, digest_size=8, person=b"bad words").digest()
    return int.from_bytes(digest, "little") < ratio * 2**64


@lru_cache(64)
def _entry(path: str, anywhere: bool) -> re.Pattern[str]:
    either = "|".join(map(re.escape, _read_entries(path)))
    return re.compile(either if anywhere else rf"(?:\W|^)(?:{either})(?:\W|$)")


@lru_cache(64)
def _read_entries(path: str) -> tuple[str, ...]:
    """The entries of a list, sorted.

    Raises:
        UserError: the file cannot be read or names nothing.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the list of words {path} cannot be read: {error}") from None
    entries = {line.strip().lower() for line in lines}.difference(_ORDINARY, {""})
    if not entries:
        raise UserError(f"{path} names no word; give one entry a line")
    return tuple(sorted(entries))
