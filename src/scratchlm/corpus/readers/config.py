"""How files are read: limits that keep one bad file from costing the others.

Sizes are bytes, times are seconds of the processor, so that a busy machine does not
decide which pages are read.
"""

from pydantic import Field

from scratchlm.base.config import Config


class ReadConfig(Config):
    """Limits of the readers. What meets one is counted and named, never fatal."""

    max_record_bytes: int = Field(default=64 * 2**20, ge=1)
    """Longest line, row, page or message; longer ones are passed over and counted. A
    longer plain text is cut at line ends."""
    max_unpacked_bytes: int = Field(default=2**40, ge=1)
    """Most that one file or archive may unpack to."""
    max_expansion: float = Field(default=200.0, gt=1)
    """What grows by more than this factor when it is unpacked, past 16 MiB, is a
    bomb: reading stops there."""
    max_depth: int = Field(default=2, ge=1)
    """Archives within archives: 1 opens none that stands in another."""
    extract_timeout_s: float = Field(default=30.0, gt=0)
    """Processor seconds after which the extraction of one page, book, message or PDF
    is stopped."""
    extract_memory_bytes: int = Field(default=2 * 2**30, ge=256 * 2**20)
    """Most memory of the process that extracts."""
    reflow_pdf: bool = True
    """Join the lines of PDF paragraphs, and words hyphenated at line ends."""
