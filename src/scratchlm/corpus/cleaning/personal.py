"""The rule `pii`: personal data behind fixed placeholders.

Placeholders are the same everywhere, so that a document's text depends on nothing but
the document; `masked` in its metadata says how many of each kind there were.
"""

from collections.abc import Sequence

from scratchlm.corpus.cleaning.addresses import find_ipv4, find_ipv6
from scratchlm.corpus.cleaning.cards import find_cards
from scratchlm.corpus.cleaning.config import PersonalKind, PrivacyConfig
from scratchlm.corpus.cleaning.emails import find_emails
from scratchlm.corpus.cleaning.masking import (
    DigitFinder,
    Finder,
    find_in_digits,
    mask_document,
)
from scratchlm.corpus.cleaning.phones import find_phones
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Verdict

PERSONAL_PLACEHOLDERS = {
    "email": "<EMAIL>",
    "ip": "<IP>",
    "phone": "<PHONE>",
    "card": "<CARD>",
}
_IN_TEXT: dict[PersonalKind, Finder] = {"email": find_emails, "ip": find_ipv6}
_IN_DIGITS: dict[PersonalKind, DigitFinder] = {
    "ip": find_ipv4,
    "card": find_cards,
    "phone": find_phones,
}
_SAMPLES: dict[PersonalKind, str] = {
    "email": "ada.lovelace@analytical.engine.org",
    "ip": "93.184.216.34",
    "phone": "+44 20 7946 0018",
    "card": "4111 1111 1111 1111",
}


def personal_finders(kinds: Sequence[PersonalKind]) -> list[Finder]:
    """What finds the named kinds of personal data."""
    finders = [find for kind, find in _IN_TEXT.items() if kind in kinds]
    in_digits = [find for kind, find in _IN_DIGITS.items() if kind in kinds]
    return [*finders, find_in_digits(in_digits)] if in_digits else finders


class PersonalDataRule:
    """Mask what `config` names; no document is dropped."""

    name = "pii"

    def __init__(self, config: PrivacyConfig) -> None:
        self._finders = personal_finders(config.mask)
        self._samples = [_SAMPLES[kind] for kind in _SAMPLES if kind in config.mask]

    @property
    def canary(self) -> Document | None:
        """One of each kind that is masked."""
        if not self._samples:
            return None
        return Document("canary", "\n".join(self._samples) + "\n", "canary")

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """The same documents, or masked ones."""
        return [
            mask_document(document, self._finders, PERSONAL_PLACEHOLDERS)
            for document in documents
        ]
