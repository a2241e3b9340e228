"""The rule `secrets`: credentials behind `<SECRET>`, in text and in code."""

from collections.abc import Sequence

from scratchlm.corpus.cleaning.assignments import find_assigned_secrets
from scratchlm.corpus.cleaning.code import is_code
from scratchlm.corpus.cleaning.config import SecretsConfig
from scratchlm.corpus.cleaning.credentials import find_credentials
from scratchlm.corpus.cleaning.masking import Finder, mask_document
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Verdict

SECRET_PLACEHOLDERS = {"secret": "<SECRET>"}


class SecretsRule:
    """Mask credentials; no document is dropped."""

    name = "secrets"

    def __init__(self, config: SecretsConfig) -> None:
        self._in_text: list[Finder] = [find_credentials]
        self._in_code = list(self._in_text)
        if config.assignments:
            self._in_code.append(find_assigned_secrets)

    @property
    def canary(self) -> Document:
        """A key of the right form that nobody issued."""
        key = "AK" + "IA" + "QWERTYUIOPASDFGH"  # apart, so that no scanner stops here
        return Document("canary", f"key {key}\n", "canary")

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """The same documents, or masked ones."""
        return [
            mask_document(
                document,
                self._in_code if is_code(document) else self._in_text,
                SECRET_PLACEHOLDERS,
            )
            for document in documents
        ]
