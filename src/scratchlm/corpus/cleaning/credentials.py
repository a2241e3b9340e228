"""Credentials known by their form: an issuer's prefix, a PEM block, a URL's password.

Each form is looked for only where a literal that it cannot do without stands in the
text, which most texts never have. Forms as their issuers document them, and as secret
scanners (detect-secrets, gitleaks) look for them.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scratchlm.corpus.cleaning.masking import Span


@dataclass(frozen=True)
class Form:
    """`pattern` finds a credential wherever one of `literals` stands."""

    literals: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(pattern: str, *literals: str) -> Form:
    """Boundaries on both sides: no letter, digit, or what the body may hold."""
    return Form(literals, re.compile(rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"))


FORMS = (
    _form(  # Amazon Web Services
        r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA)[A-Z2-7]{16}",
        *("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AGPA", "ANPA", "ANVA"),
    ),
    _form(r"gh[pousr]_[A-Za-z0-9]{36,251}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _form(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "github_pat_"),
    _form(
        r"gl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_\-]{20,64}", "glpat-", "glptt-", "glrt-"
    ),
    _form(r"xox[abeoprs]-(?:[A-Za-z0-9]+-)+[A-Za-z0-9]{8,}", "xox"),  # Slack
    Form(
        ("hooks.slack.com/",),
        re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows)/[A-Za-z0-9+/]{40,}"),
    ),
    _form(
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,247}",
        *("sk_live_", "sk_test_", "rk_live_", "rk_test_"),
    ),
    _form(r"AIza[A-Za-z0-9_\-]{35}", "AIza"),  # Google
    _form(r"GOCSPX-[A-Za-z0-9_\-]{28}", "GOCSPX-"),
    _form(r"ya29\.[A-Za-z0-9_\-]{20,}", "ya29."),
    _form(r"sk-ant-[a-z0-9]+-[A-Za-z0-9_\-]{32,}", "sk-ant-"),
    _form(r"sk-[A-Za-z0-9_\-]{16,}T3BlbkFJ[A-Za-z0-9_\-]{16,}", "T3BlbkFJ"),
    _form(r"sk-proj-[A-Za-z0-9_\-]{32,}", "sk-proj-"),
    _form(r"hf_[A-Za-z]{34}", "hf_"),
    _form(r"npm_[A-Za-z0-9]{36}", "npm_"),
    _form(r"pypi-AgE[A-Za-z0-9_\-]{50,}", "pypi-AgE"),
    _form(r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}", "SG."),  # SendGrid
    _form(r"dop_v1_[0-9a-f]{64}", "dop_v1_"),
    _form(
        r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shpat_", "shpca_", "shppa_", "shpss_"
    ),
    _form(r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}", ":AA"),  # Telegram
    _form(r"dapi[0-9a-f]{32}", "dapi"),
    _form(r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-1"),
    Form(
        ("AccountKey=",),
        re.compile(r"(?<=AccountKey=)[A-Za-z0-9+/]{86}=="),  # Azure storage
    ),
    _form(  # JSON web tokens: header and claims both begin with {"
        r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{16,}", ".eyJ"
    ),
)
_URL_PASSWORD = re.compile(
    r"://(?P<user>[^\s:/@<>\"'`]{0,64}):(?P<password>[^\s:/@<>\"'`]{3,256})@"
)
# What stands for a password in manuals: nothing secret.
_STAND_INS = re.compile(
    r"[\[{$%*.]|(?:user|name|pass(?:word)?|passwd|pwd|secret|token|xxx+|your.*|my.*"
    r"|change.*|port|\**)\Z",
    re.I,
)
_PEM_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PEM_DATA = re.compile(r"[A-Za-z0-9+/=]{16}")
_PEM_LINES = re.compile(r"(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{16,})+")
_MOST_PEM_CHARS = 16_384
_SHORTEST = 20  # characters of the shortest form
_INSIDE = (string.ascii_letters + string.digits + "_-.+/=:").encode()
# 1 for bytes that no form but a PEM block or a URL has.
_OUTSIDE = bytes(byte not in _INSIDE for byte in range(256))


def find_credentials(text: str) -> Iterator[Span]:
    """Spans of kind "secret"."""
    words = _long_words(text)
    if words:
        for form in FORMS:
            if any(literal in words for literal in form.literals):
                for found in form.pattern.finditer(text):
                    yield Span(found.start(), found.end(), "secret")
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)
    if "@" in text:
        yield from _url_passwords(text)


def _long_words(text: str) -> str:
    """All stretches of a credential's characters that are long enough, and no more:
    most texts have few, and to look for forty literals in them costs little.
    """
    data = text.encode("utf-8", "replace")
    outside = np.flatnonzero(np.frombuffer(data.translate(_OUTSIDE), bool))
    bounds = np.concatenate([[-1], outside, [len(data)]])
    long = np.flatnonzero(np.diff(bounds) > _SHORTEST)
    pairs = zip(bounds[long].tolist(), bounds[long + 1].tolist(), strict=True)
    return b" ".join([data[a + 1 : b] for a, b in pairs]).decode("ascii")


def _url_passwords(text: str) -> Iterator[Span]:
    place = text.find("://")
    while place >= 0:
        found = _URL_PASSWORD.match(text, place)
        if found is not None and not _STAND_INS.match(found["password"]):
            yield Span(*found.span("password"), "secret")
        place = text.find("://", place + 3)


def _private_keys(text: str) -> Iterator[Span]:
    """PEM blocks, also escaped in one line, and those that are cut off."""
    for begin in _PEM_BEGIN.finditer(text):
        limit = begin.end() + _MOST_PEM_CHARS
        following = text.find("-----BEGIN", begin.end(), limit)
        limit = limit if following < 0 else following
        end = _PEM_END.search(text, begin.end(), limit)
        if end is None:
            end = _PEM_LINES.match(text, begin.end(), limit)
        if end is not None and _PEM_DATA.search(text, begin.end(), end.end()):
            yield Span(begin.start(), end.end(), "secret")
