"""A document: one text with a name, the unit of everything in this room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """One text and where it came from.

    `id` is unique in a corpus and never an absolute path; `source` groups
    documents for the receipt (`stdlib`, `pydoc-topics`, a file's name);
    `metadata` are plain JSON values, `module` for the standard library.
    """

    id: str
    text: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Length of the text in UTF-8 bytes."""
        return len(self.text.encode("utf-8"))
