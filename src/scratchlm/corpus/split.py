"""Which documents are held out of everything.

Documents come in an order that depends only on the seed and their ids; one after
the other is held out until the wished share of the bytes (and, of the standard
library, enough documented functions) is reached. A document of which half stands
in another one is passed over. Where that leaves too little (everything resembles
something) the rule is relaxed step by step, and the receipt says how far.

Few or huge documents cannot be held out whole: they are cut into sections first,
and neighbouring sections that stay in training are joined again.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.document import Document
from scratchlm.corpus.likeness import containments
from scratchlm.corpus.sections import cut_sections
from scratchlm.corpus.signatures import read_signatures

FEWEST_WHOLE_DOCUMENTS = 20
SECTIONS_HELD_OUT = 8
FEWEST_SECTION_CHARS = 500
RELAXED = (0.65, 0.8, 1.01)
MOST_OVER = 1.6  # how far past the wished share the last document may lead


@dataclass(frozen=True)
class Split:
    """Both sides, sorted by id, and what the receipt says about the choice."""

    train: list[Document]
    heldout: list[Document]
    notes: dict[str, Any]


@dataclass(frozen=True)
class _Choice:
    heldout: list[Document]
    n_bytes: int
    notes: dict[str, Any]


def split_documents(config: CorpusConfig, documents: Sequence[Document]) -> Split:
    """Split by whole documents, or by sections where the documents are too few.

    Raises:
        UserError: nothing can be held out.
    """
    ordered = sorted(documents, key=lambda document: document.id)
    wished = config.heldout_frac * sum(document.n_bytes for document in ordered)
    choice = _Choice([], 0, {})
    if config.source == "stdlib" or len(ordered) >= FEWEST_WHOLE_DOCUMENTS:
        choice = _choose(config, ordered)
    if choice.n_bytes < wished / 2 and config.source == "files":
        ordered = _cut_all(ordered, config.heldout_frac)
        choice = _choose(config, ordered)
    if not choice.heldout:
        raise UserError(
            "nothing of the text can be held out: every part of it stands in another "
            "part; give more varied text, or raise corpus.split_threshold"
        )
    held = {document.id for document in choice.heldout}
    train = _join_sections([d for d in ordered if d.id not in held])
    return Split(train, sorted(choice.heldout, key=lambda d: d.id), choice.notes)


def _choose(config: CorpusConfig, documents: Sequence[Document]) -> _Choice:
    """The first threshold at which at least half of the wished bytes are found."""
    candidates = _Candidates(config, documents)
    thresholds = [t for t in RELAXED if t > config.split_threshold]
    choice = _Choice([], 0, {})
    for threshold in (config.split_threshold, *thresholds):
        choice = _take(config, candidates, threshold)
        if choice.n_bytes >= config.heldout_frac * candidates.total / 2:
            break
    return choice


class _Candidates:
    """Documents in seeded order with their containment, measured when asked for."""

    def __init__(self, config: CorpusConfig, documents: Sequence[Document]) -> None:
        self.total = sum(document.n_bytes for document in documents)
        self._documents = documents
        self._order = sorted(
            (
                number
                for number in range(len(documents))
                if self._may_go(config, number)
            ),
            key=lambda number: _seeded(config.seed, documents[number].id),
        )
        self._share: list[float] = []  # of self._order, as far as measured
        self._batch_bytes = 2 * _ceiling(config) * self.total

    def __iter__(self) -> Iterator[tuple[Document, float]]:
        for place, number in enumerate(self._order):
            if place >= len(self._share):
                self._measure()
            yield self._documents[number], self._share[place]

    def _may_go(self, config: CorpusConfig, number: int) -> bool:
        """Of the standard library only modules are held out, not topics."""
        return config.source == "files" or "module" in self._documents[number].metadata

    def _measure(self) -> None:
        batch, size = [], 0
        for number in self._order[len(self._share) :]:
            batch.append(number)
            size += self._documents[number].n_bytes
            if size >= self._batch_bytes:
                break
        texts = [document.text for document in self._documents]
        self._share += containments(texts, batch)


def _take(config: CorpusConfig, candidates: _Candidates, threshold: float) -> _Choice:
    wished, most = config.heldout_frac * candidates.total, _ceiling(config)
    functions = _count_functions if config.source == "stdlib" else _no_functions
    fewest = config.min_heldout_functions if config.source == "stdlib" else 0
    heldout: list[Document] = []
    n_bytes = n_functions = passed_over = 0
    for document, share in candidates:
        if n_bytes >= wished and n_functions >= fewest:
            break
        if share >= threshold:
            passed_over += 1
        elif n_bytes + document.n_bytes <= most * candidates.total:
            heldout.append(document)
            n_bytes += document.n_bytes
            n_functions += functions(document)
    notes = {
        "heldout_frac": round(n_bytes / max(1, candidates.total), 4),
        "split_threshold": min(threshold, 1.0),
        "passed_over_as_alike": passed_over,
    }
    if fewest:
        notes["heldout_functions"] = n_functions
    return _Choice(heldout, n_bytes, notes)


def _ceiling(config: CorpusConfig) -> float:
    return max(config.max_heldout_frac, MOST_OVER * config.heldout_frac)


def _seeded(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0split\0{name}".encode(), digest_size=16).digest()


def _count_functions(document: Document) -> int:
    """Objects of a module about which a question can be asked."""
    try:
        return len(read_signatures(str(document.metadata["module"]), document.text))
    except SyntaxError:
        return 0


def _no_functions(document: Document) -> int:
    return 0


def _cut_all(documents: Sequence[Document], heldout_frac: float) -> list[Document]:
    """Sections of every document that is longer than an eighth of the wished share."""
    total = sum(len(document.text) for document in documents)
    size = max(FEWEST_SECTION_CHARS, int(heldout_frac * total / SECTIONS_HELD_OUT))
    return [
        section for document in documents for section in _cut_document(document, size)
    ]


def _cut_document(document: Document, n_chars: int) -> Iterator[Document]:
    texts = cut_sections(document.text, n_chars)
    if len(texts) == 1:
        yield document
        return
    for number, text in enumerate(texts, start=1):
        yield _section(document, f"{number:05d}", text, number)


def _section(whole: Document, name: str, text: str, number: int) -> Document:
    of = whole.metadata.get("section_of", whole.id)
    metadata = {**whole.metadata, "section_of": of, "section": number}
    return Document(f"{of}#{name}", text, whole.source, metadata)


def _join_sections(documents: Sequence[Document]) -> list[Document]:
    """Join sections of one document that follow each other."""
    joined: list[Document] = []
    for key, group in groupby(enumerate(documents), key=_run_of_sections()):
        members = [document for _, document in group]
        if key is None or len(members) == 1:
            joined += members
            continue
        first, last = members[0], members[-1]
        name = f"{first.metadata['section']:05d}-{last.metadata['section']:05d}"
        text = "".join(member.text for member in members)
        joined.append(_section(first, name, text, first.metadata["section"]))
    return joined


def _run_of_sections() -> Callable[[tuple[int, Document]], tuple[str, int] | None]:
    """A grouping key: equal for neighbouring sections of one document."""

    def key(entry: tuple[int, Document]) -> tuple[str, int] | None:
        place, document = entry
        of = document.metadata.get("section_of")
        return None if of is None else (of, document.metadata["section"] - place)

    return key
