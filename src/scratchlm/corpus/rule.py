"""A rule: what one local step does with each document, whatever the others are.

Rules see documents in lists only so that they can work on many at once: the verdict
on a document never depends on its neighbours. The first rule that drops a document
is its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scratchlm.corpus.document import Document


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that a rule leaves out.

    `reason` is one of few fixed phrases, for counting ("fewer than 50 words");
    `detail` is what was measured on this one ("31 words"); `failed` says that the
    rule could not judge it.
    """

    reason: str
    detail: str = ""
    failed: bool = False


Verdict = Document | Dropped


class Rule(Protocol):
    """One local step. Its name stands on the receipt: `gopher_quality`, `c4`, …"""

    @property
    def name(self) -> str:
        """Lower case, words joined by underscores."""
        ...

    @property
    def canary(self) -> Document | None:
        """A document that this rule, as configured, never passes unchanged: each
        worker tries it first, so that a rule that silently does nothing is an error.
        None where the configuration leaves the rule nothing to do.
        """
        ...

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document, in order: the same, a changed one, or `Dropped`."""
        ...
