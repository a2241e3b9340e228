"""What the cleaning rules do; a rule that is not switched on is not run.

Lengths are code points unless the name says bytes.
"""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config

PersonalKind = Literal["email", "ip", "phone", "card"]


class CleanConfig(Config):
    """Unicode, line ends, control characters, wrong decodings."""

    enabled: bool = True
    """Clean texts: line ends, control characters, blanks at line ends, half
    surrogate pairs, then the form of `normalise`."""
    normalise: Literal["none", "nfc", "nfkc"] = "nfc"
    """Unicode form of prose. NFKC also folds ligatures, full-width letters and
    superscripts, which changes formulas: a choice for web text only."""
    normalise_code: bool = False
    """The same for source code, where it can change string literals."""
    remove_invisible: bool = True
    """In prose, remove soft hyphens, zero-width blanks and word joiners, and make
    Unicode's own line and paragraph separators line ends. Joiners stay: Persian,
    the scripts of India and emoji need them."""
    repair_mojibake: bool = False
    """Undo UTF-8 that was read in another encoding (`Ã©` for `é`), line by line,
    with ftfy, where a cheap look says that there may be any."""
    min_chars: int = Field(default=50, ge=0)
    """Shorter documents are dropped."""


class LanguageConfig(Config):
    """Which language a document is in, and which may stay."""

    identify: bool = False
    """Write `language` (ISO 639-1, else 639-3) and `language_score` (0 to 1) into
    the metadata of each document that is not source code."""
    allow: tuple[str, ...] = ()
    """Languages that may stay, by code; empty: all. `no` also allows `nb` and `nn`."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    """Documents whose language is less certain than this are dropped: the score is
    the share of documents with that score whose language is right."""
    trust_declared: bool = True
    """Believe the `language` that a source or a row states instead of looking."""
    sample_bytes: int = Field(default=1024, ge=64, le=32768)
    """Most UTF-8 bytes of a document to look at, in four pieces from all over it:
    texts longer than 300 bytes are told as well as they ever are."""


class SecretsConfig(Config):
    """Keys, passwords and tokens in text and code."""

    mask: bool = False
    """Replace what looks like a credential by `<SECRET>`: keys with the prefix of
    their issuer, private keys in PEM, passwords in URLs."""
    assignments: bool = True
    """In source code, also random-looking values assigned to names such as
    `api_key` or `password`."""


class PrivacyConfig(Config):
    """Personal data, replaced by fixed placeholders."""

    mask: tuple[PersonalKind, ...] = ()
    """What to mask: `email`, public addresses `ip` (version 4 and 6), `phone`
    numbers, payment `card` numbers (Luhn and issuer)."""


class LicenceConfig(Config):
    """What a document may be used for, and how that is known."""

    detect: bool = False
    """Where no source states one, look for an SPDX line, a Creative Commons link or
    a well-known licence text; write `licence` and `licence_from` into the
    metadata."""
    allow: tuple[str, ...] = ()
    """SPDX ids that may stay, `*` standing for anything (`CC-BY-*`); empty: all."""
    allow_unknown: bool = False
    """With `allow`: keep documents whose licence nobody states."""
