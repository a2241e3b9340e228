"""Exact duplicate removal: equal bytes, found by a 128-bit BLAKE2b digest."""

import hashlib
from collections.abc import Iterable

from scratchlm.corpus.document import Document


def remove_exact_duplicates(
    documents: Iterable[Document],
) -> tuple[list[Document], list[tuple[str, str]]]:
    """The documents that stay, by id, and (removed id, kept id) of the others.

    Of equal documents the one with the smallest id stays.
    """
    first: dict[bytes, str] = {}
    kept: list[Document] = []
    removed: list[tuple[str, str]] = []
    for document in sorted(documents, key=lambda document: document.id):
        data = document.text.encode("utf-8")
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if digest in first:
            removed.append((document.id, first[digest]))
        else:
            first[digest] = document.id
            kept.append(document)
    return kept, removed
