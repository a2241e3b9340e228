"""The part of a text that its language is told from.

Short texts whole, longer ones in four pieces from all over: a page may begin with
an English menu and go on in Finnish.
"""

import unicodedata

PIECES = 4
_WORD_CHARS = 40  # a piece begins after a blank, if there is one as near as this


def sample_pieces(text: str, n_bytes: int) -> list[bytes]:
    """UTF-8 of at most `n_bytes` in all, each piece in Unicode's composed form.

    A text in capitals is lowered: the model knows few of them.
    """
    if len(text) <= n_bytes:
        data = _utf8(text)
        if len(data) <= n_bytes:
            return [data] if data else []
    most = n_bytes // PIECES
    starts = [len(text) * i // PIECES for i in range(PIECES)]
    begins = [_word_start(text, start) for start in starts]
    pieces = [text[begin : begin + most] for begin in begins]
    return [_cut(_utf8(piece), most) for piece in pieces]


def _utf8(text: str) -> bytes:
    if text.isupper():
        text = text.lower()
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.encode("utf-8", "surrogatepass")


def _word_start(text: str, start: int) -> int:
    """The first place after a blank from `start` on, if it is near."""
    if start == 0:
        return 0
    blank = text.find(" ", start, start + _WORD_CHARS)
    return start if blank < 0 else blank + 1


def _cut(data: bytes, most: int) -> bytes:
    """At most so many bytes, whole characters."""
    if len(data) <= most:
        return data
    while data[most] & 0xC0 == 0x80:
        most -= 1
    return data[:most]
