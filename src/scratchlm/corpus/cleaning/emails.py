"""E-mail addresses: looked for around each @, so that long words cost nothing.

Not addresses: what ends in a file's suffix (`icon@2x.png`), remote paths (`git@host:
path`), domains that RFC 2606 and RFC 6761 reserve for examples.
"""

import re
from collections.abc import Iterator

from scratchlm.corpus.cleaning.masking import Span

MOST_LOCAL = 64  # RFC 5321
_LETTER = "A-Za-z0-9\u00c0-\u024f"
_LOCAL = re.compile(rf"(?<![{_LETTER}._%+'-])[{_LETTER}._%+'-]{{1,{MOST_LOCAL}}}\Z")
_DOMAIN = re.compile(
    rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?\.){{1,8}}"
    rf"(?P<top>[A-Za-z]{{2,24}})(?![{_LETTER}_@]|-[0-9])"
)
_SUFFIXES = """png jpg jpeg gif svg webp ico bmp tiff pdf css scss js mjs ts jsx tsx
    json html htm xml yml yaml toml zip gz mp mp3 mp4 wav py rb txt md lock"""
_FILES = frozenset(_SUFFIXES.split())
_RESERVED = re.compile(
    r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost|local)\Z", re.I
)


def find_emails(text: str) -> Iterator[Span]:
    """Spans of kind "email"."""
    at = text.find("@")
    while at >= 0:
        span = _around(text, at)
        if span is not None:
            yield span
        at = text.find("@", at + 1)


def _around(text: str, at: int) -> Span | None:
    domain = _DOMAIN.match(text, at + 1)
    if domain is None or domain["top"].lower() in _FILES:
        return None
    if _RESERVED.search(domain[0]):
        return None
    window = text[max(0, at - MOST_LOCAL - 1) : at]
    local = _LOCAL.search(window)
    if local is None:
        return None
    name = local[0].lstrip(".'%+-")
    if not name or name.endswith(".") or ".." in name:
        return None
    if _is_remote_path(text, name, domain.end()):
        return None
    return Span(at - len(name), domain.end(), "email")


def _is_remote_path(text: str, name: str, end: int) -> bool:
    """`git@github.com:owner/name`, `hg@…`: an account that everybody uses."""
    return name in ("git", "hg", "svn") and text[end : end + 1] in (":", "/")
