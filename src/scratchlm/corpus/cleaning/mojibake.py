"""The rule `mojibake`: UTF-8 that was read in another encoding is read again.

ftfy (Robyn Speer) decides and repairs, line by line, since one page may mix right
and wrong lines. It is slow, so a line comes to it only if a pattern finds what every
such error leaves: a character that stands for the first byte of a UTF-8 sequence in
some single-byte encoding, followed by as many that stand for later bytes.
"""

import re
from collections.abc import Sequence

from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Verdict

_LATIN = ("latin-1", "cp1252", "cp1250", "cp1253", "cp1254", "cp1257", "iso8859-2")
_MAC_DOS = ("mac-roman", "cp437")


def _characters(first: int, last: int, encodings: Sequence[str]) -> str:
    """A character class of all that bytes `first` to `last` stand for."""
    data = bytes(range(first, last + 1))
    found = {c for name in encodings for c in data.decode(name, "ignore")}
    return "[" + re.escape("".join(sorted(found))) + "]"


def _gate() -> re.Pattern[str]:
    later = _characters(0x80, 0xBF, (*_LATIN, "cp1251"))[:-1] + "\ufffd]"
    two = _characters(0xC2, 0xDF, _LATIN)[:-1] + "РСГ]"  # cp1251: others are words
    three = _characters(0xE0, 0xEF, _LATIN)[:-1] + "а-п]"  # cp1251
    four = _characters(0xF0, 0xF4, _LATIN)
    other = "[√≈ƒ◊├┬┼╬╧╨╤╪┘┌█‚Γα]"  # what Macs and DOS make of common first bytes
    other_later = _characters(0x80, 0xBF, _MAC_DOS)
    first = two[:-1] + three[1:-1] + four[1:-1] + other[1:]
    return re.compile(
        f"[\x80-\x9f]|{first}(?:"
        f"(?<={two}){later}|(?<={three}){later}{{2}}|(?<={four}){later}{{3}}"
        f"|(?<={other}){other_later}|(?<=Ã) )"
    )


_MAY_BE_WRONG = _gate()


class MojibakeRule:
    """Repair wrongly decoded lines; no document is dropped."""

    name = "mojibake"

    @property
    def canary(self) -> Document:
        """A line that was read as Windows-1252."""
        return Document("canary", "Ein schÃ¶ner Tag, ein schÃ¶nes CafÃ©.\n", "canary")

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """The same documents, or repaired ones."""
        return [self._judge(document) for document in documents]

    def _judge(self, document: Document) -> Verdict:
        text = repair_mojibake(document.text)
        if text == document.text:
            return document
        return Document(document.id, text, document.source, document.metadata)


def repair_mojibake(text: str) -> str:
    """Read wrong lines again; the same object where no line may be wrong."""
    if text.isascii() or _MAY_BE_WRONG.search(text) is None:
        return text
    from ftfy import fix_encoding

    pieces, done = [], 0
    found = _MAY_BE_WRONG.search(text)
    while found is not None:
        begin = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
        pieces += [text[done:begin], fix_encoding(text[begin:end])]
        done = end
        found = _MAY_BE_WRONG.search(text, end)
    return "".join([*pieces, text[done:]])
