"""What an extractor gives: a text, what is said of it, and what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_MEMORY = "needs more memory than the extractor may have"


@dataclass(frozen=True)
class Extracted:
    """A text taken out of a page, book, message or office file.

    `facts` are metadata: title, date, licence, language. `notes` count what the
    receipt shall show: attachments that were not read, pages without text.
    `repaired` says what was done about damage, "" where there was none.
    """

    text: str
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    repaired: str = ""
