"""Text -> clean text, for prose and code alike: nothing that changes a program.

Line ends become "\\n"; a form feed too; control characters, byte order marks inside
the text and blanks at line ends go; half surrogate pairs become U+FFFD; blank lines
at both ends go, and one "\\n" ends the text. Unicode is *not* normalised: composing
characters would alter string literals. Cleaning twice is cleaning once.
"""

import re

_REMOVED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_LINE_ENDS = ("\r\n", "\r", "\x0b", "\x0c", "\x85")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
# One look for all that the three above change: most texts have none of it.
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_ASCII_CONTROLS = bytes({*range(32), 127} - {9, 10})
_WIDE_BLANK_END = re.compile(
    "[\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]\n"
)
# Controls, half pairs, and marks that change the direction of a line.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean_text(text: str) -> str:
    """Clean one document; "" where nothing but blanks was there."""
    if _is_unclean(text):
        text = replace_half_pairs(_REMOVED.sub("", _one_line_end(text)))
    text = strip_line_ends(text)
    return text + "\n" if text else ""


def strip_line_ends(text: str) -> str:
    """Without blanks at line ends and without empty lines at both ends."""
    if _may_end_in_blanks(text):
        return "\n".join([line.rstrip() for line in text.split("\n")]).strip("\n")
    return text.strip("\n").rstrip()


def replace_half_pairs(text: str) -> str:
    """Make any string fit for UTF-8: half surrogate pairs become U+FFFD."""
    return _HALF_PAIR.sub("\ufffd", text)


def printable_name(name: str) -> str:
    """A file's or field's name on one line and fit for any terminal."""
    return _UNPRINTABLE.sub("\ufffd", name)


def _one_line_end(text: str) -> str:
    for line_end in _LINE_ENDS:
        text = text.replace(line_end, "\n")
    return text


def _is_unclean(text: str) -> bool:
    """Whether there is a control character, a mark or half a pair to remove."""
    if text.isascii():
        data = text.encode("ascii")
        return len(data.translate(None, _ASCII_CONTROLS)) < len(data)
    return _UNCLEAN.search(text) is not None


def _may_end_in_blanks(text: str) -> bool:
    """Whether any line but the last ends in a blank of any kind."""
    if " \n" in text or "\t\n" in text:
        return True
    return not text.isascii() and _WIDE_BLANK_END.search(text) is not None
