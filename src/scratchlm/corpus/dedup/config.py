"""Which duplicates are looked for, and what counts as one."""

from pydantic import Field

from scratchlm.base.config import Config
from scratchlm.corpus.dedup.near_config import NearConfig


class UrlConfig(Config):
    """Documents fetched from one address, after the address is normalised."""

    enabled: bool = False
    """Keep only the first document of each URL; documents without one stay."""


class ExactConfig(Config):
    """Documents whose texts are equal byte for byte."""

    enabled: bool = True
    """Keep only the first of equal documents."""


class ParagraphConfig(Config):
    """Paragraphs that stand in an earlier document, white space apart."""

    enabled: bool = False
    """Keep each paragraph in the first document that has it."""
    min_bytes: int = Field(default=100, ge=1)
    """Shorter paragraphs (UTF-8 bytes) are left alone."""
    within_document: bool = False
    """Also cut what a document repeats of itself: a refrain, a table's heading."""
    min_left_bytes: int = Field(default=100, ge=0)
    """A document of which less is left after cutting goes wholly."""


class LineConfig(Config):
    """Lines that stand in an earlier document, white space apart."""

    enabled: bool = False
    """Keep each line in the first document that has it."""
    min_bytes: int = Field(default=40, ge=1)
    """Shorter lines (UTF-8 bytes) are left alone."""
    within_document: bool = False
    """Also cut what a document repeats of itself."""
    min_left_bytes: int = Field(default=100, ge=0)
    """A document of which less is left after cutting goes wholly."""


class SubstringConfig(Config):
    """Stretches of words that stand in an earlier document, white space apart."""

    enabled: bool = False
    """Keep each long stretch in the first document that has it."""
    window_words: int = Field(default=50, ge=8)
    """Stretches of at least this many words are found; in scripts that are written
    without blanks each character counts as a word."""
    min_left_bytes: int = Field(default=100, ge=0)
    """A document of which less is left after cutting goes wholly."""


class DedupConfig(Config):
    """All duplicate steps, in the order in which they run."""

    url: UrlConfig = UrlConfig()
    """Documents of one address."""
    exact: ExactConfig = ExactConfig()
    """Documents with equal texts."""
    paragraph: ParagraphConfig = ParagraphConfig()
    """Repeated paragraphs."""
    line: LineConfig = LineConfig()
    """Repeated lines."""
    near: NearConfig = NearConfig()
    """Documents that are alike."""
    substring: SubstringConfig = SubstringConfig()
    """Repeated stretches of words."""
