"""The rest of a sentence: how far a cut reaches beyond the words that were found.

A sentence ends after . ! ? or … (with closing quotes) before white space, after
。 ！ ？, and at a blank line. Where none is near, the cut ends at a blank.
"""

import re

_END = re.compile(
    rb"""(?:[.!?]|\xe2\x80\xa6)["')\]]*(?:\xe2\x80[\x99\x9d])?(?=\s)\s?"""
    rb"|\xe3\x80\x82|\xef\xbc[\x81\x9f]|\n[ \t]*(?=\n)"
)


def sentence_span(
    text: bytes, begin: int, end: int, most_bytes: int
) -> tuple[int, int]:
    """Widen `begin .. end` to the sentences that it lies in, by at most so many bytes.

    Both are places in UTF-8 text; no character is cut through.
    """
    begin, end = _whole_characters(text, begin, end)
    return _sentence_begin(text, begin, most_bytes), _sentence_end(
        text, end, most_bytes
    )


def _sentence_begin(text: bytes, begin: int, most_bytes: int) -> int:
    low = max(0, begin - most_bytes)
    window = text[low : begin + 1]  # the byte after an end must be seen
    ends = [
        found.end() for found in _END.finditer(window) if found.end() <= begin - low
    ]
    if ends:
        return low + ends[-1]
    if low == 0:
        return 0
    blank = re.search(rb"\s", window[:-1])
    return low + blank.end() if blank else begin


def _sentence_end(text: bytes, end: int, most_bytes: int) -> int:
    window = text[end : end + most_bytes + 1]
    found = _END.search(window)
    if found:
        return end + found.end()
    if len(window) <= most_bytes:
        return len(text)
    blank = max(window.rfind(b" "), window.rfind(b"\n"))
    return end + blank if blank >= 0 else end


def _whole_characters(text: bytes, begin: int, end: int) -> tuple[int, int]:
    while begin > 0 and text[begin] & 0xC0 == 0x80:
        begin -= 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    return begin, end
