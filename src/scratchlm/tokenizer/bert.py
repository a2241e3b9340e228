"""How BERT cleans a text and cuts it into words, and how it frames its inputs.

1. Controls and U+FFFD are dropped, all white space becomes a space.
2. A Chinese character gets a space on both sides.
3. In the lower-casing form accents go (canonical decomposition, then no category Mn).
4. In that form each character is lower-cased, whatever stands beside it.
5. Words are cut at spaces; each punctuation character is a word of its own.

(Devlin et al. 2018, arXiv:1810.04805, and the code published with it; where the two
differ, as Hugging Face's tokenizers does it.) `scan_words` follows these steps one by
one and is the specification. `split_words` gives the same words at once: each
character has one replacement, worked out when it is first met.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from scratchlm.tokenizer.bert_tables import DROPPED, MARK, PUNCTUATION, bert_tables
from scratchlm.tokenizer.unicode_classes import SPACE, class_table

UNKNOWN = "[UNK]"
"""The token of a word that the vocabulary cannot spell."""

BERT_SPECIAL_TOKENS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]")
"""BERT's control tokens."""

_CHINESE = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    # BERT's own code begins this block at 2B820; Hugging Face's, which is what its
    # published models are used with today, begins it here.
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class BertSplit:
    """How texts become words."""

    lower: bool = True
    """Lower-case every character."""
    strip_accents: bool = True
    """Decompose every character and drop its accents."""

    def scan_words(self, text: str) -> list[str]:
        """The words of a text: the specification."""
        text = space_chinese(clean(text))
        if self.strip_accents:
            text = strip_accents(text)
        if self.lower:
            text = lower_characters(text)
        words = [""]
        for character in text:
            if character == " ":
                words.append("")
            elif is_punctuation(character):
                words += [character, ""]
            else:
                words[-1] += character
        return [word for word in words if word]

    def split_words(self, text: str) -> list[str]:
        """The same words, faster."""
        if text.isascii():
            return self._split_ascii(text)
        if self.strip_accents and _reordered().search(text):
            return self.scan_words(text)
        spaced = text.translate(self._replacements)
        return [word for word in spaced.split(" ") if word]

    def _split_ascii(self, text: str) -> list[str]:
        if _ASCII_CONTROL.search(text):
            text = _ASCII_CONTROL.sub("", text)
        return _ASCII_WORD.findall(text.lower() if self.lower else text)

    @cached_property
    def _replacements(self) -> "_Replacements":
        return _Replacements(self)


def clean(text: str) -> str:
    """Drop controls and U+FFFD; make all white space spaces."""
    flags, classes = bert_tables().flags, class_table()
    kept = []
    for character in text:
        point = ord(character)
        if character in "\t\n\r":
            kept.append(" ")
        elif flags[point] & DROPPED or character == _REPLACEMENT:
            continue
        else:
            kept.append(" " if classes[point] & SPACE else character)
    return "".join(kept)


def space_chinese(text: str) -> str:
    """Put a space on both sides of each Chinese character."""
    return "".join(f" {c} " if is_chinese(c) else c for c in text)


def strip_accents(text: str) -> str:
    """Decompose canonically, marks in canonical order, and drop those without width."""
    tables = bert_tables()
    parts: list[str] = []
    marks: list[str] = []  # since the last character of class 0
    for character in "".join(map(tables.decompose, text)):
        if tables.combining.get(character):
            marks.append(character)
        else:
            parts += [*sorted(marks, key=tables.combining.__getitem__), character]
            marks = []
    parts += sorted(marks, key=tables.combining.__getitem__)
    return "".join(c for c in parts if not tables.flags[ord(c)] & MARK)


def lower_characters(text: str) -> str:
    """Lower-case each character by itself: there is no final sigma."""
    lower = bert_tables().lower
    return "".join(lower.get(character, character) for character in text)


def is_chinese(character: str) -> bool:
    """Whether a character is what BERT calls a Chinese one."""
    point = ord(character)
    return any(first <= point <= last for first, last in _CHINESE)


def is_punctuation(character: str) -> bool:
    """Whether a character is of category P, or an ASCII sign."""
    return bool(
        character in _ASCII_SIGNS or bert_tables().flags[ord(character)] & PUNCTUATION
    )


def join_bert_inputs(
    cls: int, sep: int, first: Iterable[int], second: Iterable[int] | None = None
) -> tuple[list[int], list[int]]:
    """`[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`, as BERT reads one or two texts.

    Args:
        cls: id of [CLS].
        sep: id of [SEP].
        first: ids of the first text.
        second: ids of the second text.

    Returns:
        ids, and for each its segment: 0 up to the first [SEP], then 1.
    """
    ids = [cls, *first, sep]
    segments = [0] * len(ids)
    if second is not None:
        ids += [*second, sep]
        segments += [1] * (len(ids) - len(segments))
    return ids, segments


_ASCII_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ASCII_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_ASCII_WORD = re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]")


class _Replacements(dict[int, str]):
    """Code point -> what stands for it, with the spaces that cut words around it."""

    def __init__(self, split: BertSplit) -> None:
        super().__init__()
        self._split = split

    def __missing__(self, point: int) -> str:
        words = self._split.scan_words(f"x{chr(point)}x")
        text = " ".join(words)[1:-1]
        self[point] = text
        return text


@cache
def _reordered() -> re.Pattern[str]:
    """Characters that keep their place only after a look at their neighbours."""
    tables = bert_tables()
    moving = {
        c for c in tables.combining if not tables.flags[ord(c)] & MARK
    }  # the few marks with a class that are not dropped
    moving |= {c for c, full in tables.decompositions.items() if moving & {*full}}
    return re.compile("[" + "".join(sorted(moving)) + "]")
