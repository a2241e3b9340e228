"""Licences as SPDX names them: one spelling, and expressions held against a list.

`MIT OR GPL-3.0-only` may be used as MIT: one side is enough. `AND` needs both.
`WITH` adds an exception, which only permits more. Parentheses bind first, then
`AND`, then `OR` (SPDX specification 2.3, annex D).
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

_KNOWN = """0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0
    Artistic-1.0 Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-3-Clause
    BSD-4-Clause BSL-1.0 BUSL-1.1 CC-BY-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0
    CC-BY-NC-4.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-2.0
    CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-PDDC CC0-1.0 CDDL-1.0 CDDL-1.1
    CECILL-2.1 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 GFDL-1.3-only GFDL-1.3-or-later
    GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only
    GPL-3.0-or-later HPND ISC LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only
    LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later LPPL-1.3c MIT MIT-0 MPL-1.1
    MPL-2.0 MS-PL NCSA NLOD-2.0 ODbL-1.0 ODC-By-1.0 OFL-1.1 OGL-UK-3.0 OpenSSL
    PDDL-1.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Ruby SSPL-1.0 TCL Unlicense
    UPL-1.0 Vim W3C WTFPL X11 Zlib ZPL-2.1"""
_CANONICAL = {name.lower(): name for name in _KNOWN.split()}
# Other names in use. GPL-3.0 and GPL-3.0+ are SPDX's own older ids.
_OTHER_NAMES = {
    "agpl-3.0": "AGPL-3.0-only",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "boost software license 1.0": "BSL-1.0",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "cc0": "CC0-1.0",
    "cc-0": "CC0-1.0",
    "expat": "MIT",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-2.0+": "GPL-2.0-or-later",
    "gpl-3.0": "GPL-3.0-only",
    "gpl-3.0+": "GPL-3.0-or-later",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "isc license": "ISC",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3.0": "LGPL-3.0-only",
    "lgpl-3.0+": "LGPL-3.0-or-later",
    "mit license": "MIT",
    "mozilla public license 2.0": "MPL-2.0",
    "mpl2": "MPL-2.0",
    "pd": "CC-PDDC",
    "public domain": "CC-PDDC",
    "public-domain": "CC-PDDC",
    "the mit license": "MIT",
    "unlicensed": "NONE",
    "zlib license": "Zlib",
}
_CREATIVE = re.compile(
    r"(?:cc|creative commons)[ \-]"
    r"(?P<terms>by(?:[ \-](?:nc|sa|nd))*|zero|0)"
    r"(?:[ \-]v?(?P<version>[1-4]\.[05]))?(?: (?:international|unported|generic))?",
    re.I,
)
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_OPERATORS = ("AND", "OR", "WITH")


def spdx_name(text: str) -> str:
    """The SPDX id or expression of a licence's name, or the name as it is.

    Case and well-known other names are mended, in expressions part by part.
    """
    text = " ".join(text.split())
    whole = _one_name(text)
    if whole is not None:
        return whole
    tokens = _TOKEN.findall(text)
    upper = [token.upper() for token in tokens]
    if not any(operator in upper for operator in _OPERATORS):
        return text
    named = [
        token.upper() if token.upper() in _OPERATORS else _one_name(token) or token
        for token in tokens
    ]
    return " ".join(named).replace("( ", "(").replace(" )", ")")


def is_allowed(licence: str, allowed: Sequence[str]) -> bool:
    """Whether a licence or expression may stay under a list of ids with `*`.

    What cannot be read as an expression is held against the list as one name.
    """
    patterns = [pattern.lower() for pattern in allowed]

    def permits(name: str) -> bool:
        return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)

    if permits(licence):
        return True
    tokens = _TOKEN.findall(licence)
    if len(tokens) < 2:
        return False
    reader = _Expression(tokens, permits)
    verdict = reader.either()
    return verdict and reader.at_end()


class _Expression:
    """A reader by descent: either -> both (OR both)*, both -> one (AND one)*."""

    def __init__(self, tokens: Sequence[str], permits: Callable[[str], bool]) -> None:
        self.tokens = tokens
        self.permits = permits
        self.place = 0

    def at_end(self) -> bool:
        return self.place == len(self.tokens)

    def either(self) -> bool:
        verdict = self._both()
        while self._takes("OR"):
            verdict = self._both() or verdict
        return verdict

    def _both(self) -> bool:
        verdict = self._one()
        while self._takes("AND"):
            verdict = self._one() and verdict
        return verdict

    def _one(self) -> bool:
        if self._takes("("):
            verdict = self.either()
            return self._takes(")") and verdict
        if self.at_end() or self.tokens[self.place].upper() in (*_OPERATORS, ")"):
            return False  # malformed: a name is missing
        verdict = self.permits(self.tokens[self.place])
        self.place += 1
        if self._takes("WITH"):
            self.place += 1
        return verdict

    def _takes(self, token: str) -> bool:
        if self.at_end() or self.tokens[self.place].upper() != token:
            return False
        self.place += 1
        return True


def _one_name(text: str) -> str | None:
    lower = text.lower()
    found = _CANONICAL.get(lower) or _OTHER_NAMES.get(lower)
    return found or _creative_name(text)


def _creative_name(text: str) -> str | None:
    found = _CREATIVE.fullmatch(text)
    if found is None:
        return None
    if found["terms"].lower() in ("zero", "0"):
        return "CC0-1.0"
    terms = found["terms"].upper().replace(" ", "-")
    return f"CC-{terms}-{found['version'] or '4.0'}"
