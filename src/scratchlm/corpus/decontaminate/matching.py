"""Finding items in documents: seeds by hash, then word by word, then byte by byte.

Seeds are sequences of 8 words that stand in an item (of 13 where the 8 are
boilerplate, whole prompts where they are short). A seed fixes how document and item
lie against each other; along that diagonal the words are compared, an exact run of at
least 8 words becomes a `Run`, and its span grows over up to two differing words as
long as two equal ones follow. Words that are said to be equal are compared as bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.grams import (
    LONG,
    SHORT,
    Hashes,
    Indices,
    Words,
    find_words,
    gram_hashes,
    gram_hashes_at,
)
from scratchlm.corpus.decontaminate.index_build import whole_hashes
from scratchlm.corpus.decontaminate.item_index import ItemIndex, unique_pairs
from scratchlm.corpus.decontaminate.sentence import sentence_span
from scratchlm.corpus.flow.rounds import Shard

BLOCK_BYTES = 2**18
PIECE_BYTES = 2**22
OVERLAP_BYTES = 2**15
MOST_RUNS_OF_A_PART = 64
MOST_DIFFERING = 2
EXCERPT_BYTES = 160
RUN, QUESTION, REPLY = range(3)
SCHEMA = pa.schema(
    [(name, pa.int64()) for name in ("row", "kind", "part", "first", "n_words")]
    + [(name, pa.int64()) for name in ("begin", "end", "cut_begin", "cut_end", "size")]
    + [("document", pa.string()), ("excerpt", pa.string())]
)


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Equal words of a document and of a part of an item.

    `kind` RUN: words `first .. first + n_words - 1` of the part; QUESTION and REPLY:
    a short prompt as a whole and its answer near it. `begin .. end` is the grown span
    in bytes of the document, `cut_begin .. cut_end` what a mask would cut, `size` the
    document's bytes.
    """

    row: int
    kind: int
    part: int
    first: int
    n_words: int
    begin: int
    end: int
    cut_begin: int
    cut_end: int
    size: int
    document: str
    excerpt: str


@dataclass(frozen=True)
class Piece:
    """A document, or one of the overlapping pieces of a long one."""

    row: int
    document: str
    text: bytes
    begin: int
    end: int

    @property
    def is_last(self) -> bool:
        """Does the document end here?"""
        return self.end == len(self.text)


@dataclass
class Matches:
    """What was found in a shard: runs, and in how many documents each sequence is."""

    index: ItemIndex
    config: DecontaminateConfig
    runs: set[Run] = field(default_factory=set)

    def __post_init__(self) -> None:
        tables = (self.index.short.hashes, self.index.long.hashes, self.index.wholes)
        self.counts = [np.zeros(len(table), np.int64) for table in tables]
        self._open: list[list[Indices]] = [[], [], []]

    def add(self, block: Sequence[Piece]) -> None:
        """Look through some documents, or one piece of a long one."""
        words, edges = find_words([p.text[p.begin : p.end] for p in block])
        owners = np.repeat(np.arange(len(block)), np.diff(edges))
        begins = np.cumsum([0, *(p.end - p.begin + 1 for p in block)])[:-1]
        seeds = _find_seeds(self.index, words, edges, owners)
        self._count(block, owners, seeds)
        for number, place, at in _diagonals(self.index, words, owners, seeds):
            view = _View(words, int(edges[number]), int(edges[number + 1]))
            self._match(block[number], view, place, at, int(begins[number]))
        for number, position, part in _questions(self.index, owners, seeds[2]):
            view = _View(words, int(edges[number]), int(edges[number + 1]))
            self._answer(block[number], view, position, part, int(begins[number]))

    def _count(
        self, block: Sequence[Piece], owners: Indices, seeds: "Sequence[_Seeds]"
    ) -> None:
        whole = len(block) > 1 or (block[0].begin == 0 and block[0].is_last)
        for counts, waiting, found in zip(self.counts, self._open, seeds, strict=True):
            if whole:
                _, numbers = unique_pairs(owners[found.places], found.numbers)
                np.add.at(counts, numbers, 1)
                continue
            waiting.append(np.unique(found.numbers))
            if block[0].is_last:
                np.add.at(counts, np.unique(np.concatenate(waiting)), 1)
                waiting.clear()

    def _match(
        self, piece: Piece, view: "_View", place: int, at: int, begin: int
    ) -> None:
        index = self.index
        part = int(index.part_of[place])
        grown = _grow(index, view, part, place, at)
        if grown is None:
            return
        self._keep(piece, view, grown, RUN, part, begin)

    def _answer(
        self, piece: Piece, view: "_View", position: int, part: int, begin: int
    ) -> None:
        """Keep a short prompt if it is one and an answer stands near it."""
        index, n_words = self.index, self.index.n_words(part)
        first = int(index.part_edges[part])
        if view.words.text(position, n_words) != index.words.text(first, n_words):
            return
        found = _nearest_answer(self.config, index, view, position, part)
        if found is None:
            return
        answer, at = found
        question = _Grown(0, n_words, position, position, position + n_words)
        self._keep(piece, view, question, QUESTION, part, begin)
        n_words = index.n_words(answer)
        reply = _Grown(0, n_words, at, at, at + n_words)
        self._keep(piece, view, reply, REPLY, answer, begin)

    def _keep(
        self,
        piece: Piece,
        view: "_View",
        grown: "_Grown",
        kind: int,
        part: int,
        block_begin: int,
    ) -> None:
        shift = piece.begin - block_begin
        begin = int(view.words.starts[grown.low]) + shift
        end = int(view.words.ends[grown.high - 1]) + shift
        most = self.config.sentence_bytes
        cut_begin, cut_end = sentence_span(piece.text, begin, end, most)
        excerpt = piece.text[begin : min(end, begin + EXCERPT_BYTES)]
        self.runs.add(
            Run(
                *(piece.row, kind, part, grown.first, grown.n_words),
                *(begin, end, cut_begin, cut_end, len(piece.text)),
                *(piece.document, excerpt.decode("utf-8", "replace")),
            )
        )


@dataclass(frozen=True)
class _Seeds:
    """Hits in a block: word places and the numbers of what was hit there."""

    places: Indices
    numbers: Indices


@dataclass(frozen=True)
class _View:
    """The words low .. high - 1 of a block: those of one document."""

    words: Words
    low: int
    high: int


@dataclass(frozen=True)
class _Grown:
    """An exact run in the part (`first`, `n_words`), where it begins in the block,
    and the grown stretch low .. high - 1 of the block.
    """

    first: int
    n_words: int
    at: int
    low: int
    high: int


def _find_seeds(
    index: ItemIndex, words: Words, edges: Indices, owners: Indices
) -> list[_Seeds]:
    """Hits by 8 words, by 13 words, by whole short prompts."""
    empty = np.zeros(0, np.int64)
    short = long = whole = _Seeds(empty, empty)
    ends = edges[1:][owners]
    hashes = words.hashes
    for n, total in gram_hashes(hashes, (index.min_item_words, SHORT)):
        if n == SHORT:
            short = _inside(*index.short_table.find(total), SHORT, ends)
        if n == index.min_item_words:
            places, _ = index.prefix_table.find(total)
            whole = _find_wholes(index, hashes, places, ends)
    places = short.places[short.places + LONG <= ends[short.places]]
    found, numbers = index.long_table.find(gram_hashes_at(hashes, places, LONG))
    long = _Seeds(places[found], numbers)
    return [short, long, whole]


def _find_wholes(
    index: ItemIndex, hashes: Hashes, places: Indices, ends: Indices
) -> _Seeds:
    found, numbers = [places[:0]], [places[:0]]
    for n in index.whole_lengths:
        some = places[places + n <= ends[places]]
        totals = whole_hashes(hashes, some, np.full(len(some), n))
        at, number = index.whole_table.find(totals)
        found.append(some[at])
        numbers.append(number)
    return _Seeds(np.concatenate(found), np.concatenate(numbers))


def _inside(places: Indices, numbers: Indices, n: int, ends: Indices) -> _Seeds:
    """Hits that end before their document does."""
    inside = places + n <= ends[places]
    return _Seeds(places[inside], numbers[inside])


def _diagonals(
    index: ItemIndex, words: Words, owners: Indices, seeds: Sequence[_Seeds]
) -> Iterator[tuple[int, int, int]]:
    """(document, word of the index, word of the block), one for each stretch of hits
    in a row along a diagonal; of a part in a document at most 64.
    """
    at, place = [], []
    for found, lists in ((seeds[0], index.short_seeds), (seeds[1], index.long_seeds)):
        which, places = lists.expand(found.numbers)
        at.append(found.places[which])
        place.append(places)
    ats, places = np.concatenate(at), np.concatenate(place)
    order = np.lexsort((ats, ats - places))
    ats, places = ats[order], places[order]
    head = np.ones(len(ats), np.bool_)
    head[1:] = (np.diff(ats) > 1) | (np.diff(ats - places) != 0)
    head[1:] |= np.diff(owners[ats]) != 0
    seen: dict[tuple[int, int], int] = {}
    for at_, place_ in sorted(
        zip(ats[head].tolist(), places[head].tolist(), strict=True)
    ):
        key = (int(owners[at_]), int(index.part_of[place_]))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= MOST_RUNS_OF_A_PART:
            yield key[0], place_, at_


def _questions(
    index: ItemIndex, owners: Indices, found: _Seeds
) -> Iterator[tuple[int, int, int]]:
    """(document, word of the block, part) for each short prompt."""
    which, parts = index.whole_parts.expand(found.numbers)
    for at, part in zip(found.places[which].tolist(), parts.tolist(), strict=True):
        yield int(owners[at]), at, part


def _grow(
    index: ItemIndex, view: _View, part: int, place: int, at: int
) -> _Grown | None:
    """The exact run around a seed, verified, and how far it grows."""
    first, last = int(index.part_edges[part]), int(index.part_edges[part + 1])
    back = min(at - view.low, place - first)
    ahead = min(view.high - at, last - place)
    ours = view.words.hashes[at - back : at + ahead]
    equal = ours == index.words.hashes[place - back : place + ahead]
    differing = np.flatnonzero(~equal)
    after = int(np.searchsorted(differing, back))
    left = int(differing[after - 1]) + 1 if after else 0
    right = int(differing[after]) if after < len(differing) else len(equal)
    n_words = right - left
    at_left, place_left = at - back + left, place - back + left
    if n_words < SHORT or view.words.text(at_left, n_words) != index.words.text(
        place_left, n_words
    ):
        return None
    low = len(equal) - _reach(equal[::-1], len(equal) - left)
    high = _reach(equal, right)
    shift = at - back
    return _Grown(place_left - first, n_words, at_left, low + shift, high + shift)


def _reach(equal: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], end: int) -> int:
    """How far a run that ends before `end` goes on over one or two differing words."""
    while True:
        for gap in range(1, MOST_DIFFERING + 1):
            after = equal[end + gap : end + gap + 2]
            if len(after) == 2 and after.all():
                end += gap
                while end < len(equal) and equal[end]:
                    end += 1
                break
        else:
            return end


def _nearest_answer(
    config: DecontaminateConfig, index: ItemIndex, view: _View, at: int, part: int
) -> tuple[int, int] | None:
    """(part, word of the block) of the answer that stands nearest to a prompt."""
    reach, n_prompt = config.answer_within_words, index.n_words(part)
    found = []
    for answer in index.answers.get(int(index.part_items[part]), ()):
        n_words = index.n_words(answer)
        place = int(index.part_edges[answer])
        low = max(view.low, at - reach - n_words)
        high = min(view.high, at + n_prompt + reach + n_words)
        hashes, first = view.words.hashes, index.words.hashes[place]
        for start in (low + np.flatnonzero(hashes[low:high] == first)).tolist():
            inside = start + n_words <= high
            overlaps = start < at + n_prompt and at < start + n_words
            if inside and not overlaps and _same(index, view, place, start, n_words):
                gap = at - start - n_words if start < at else start - at - n_prompt
                found.append((gap, answer, start))
    return min(found)[1:] if found else None


def _same(index: ItemIndex, view: _View, place: int, at: int, n_words: int) -> bool:
    return view.words.text(at, n_words) == index.words.text(place, n_words)


def cut_pieces(row: int, document: str, text: bytes) -> Iterator[Piece]:
    """A document as pieces of at most 4 MiB that overlap by 32 KiB, cut at blanks."""
    begin = 0
    while len(text) - begin > PIECE_BYTES:
        end = begin + PIECE_BYTES
        blank = text.rfind(b" ", end - OVERLAP_BYTES // 2, end)
        end = blank if blank > 0 else _at_character(text, end)
        yield Piece(row, document, text, begin, end)
        blank = text.find(b" ", end - OVERLAP_BYTES, end)
        begin = blank if blank > 0 else _at_character(text, end - OVERLAP_BYTES)
    yield Piece(row, document, text, begin, len(text))


def _at_character(text: bytes, place: int) -> int:
    while text[place] & 0xC0 == 0x80:
        place -= 1
    return place


def shard_blocks(shard: Shard) -> Iterator[list[Piece]]:
    """The documents of a shard in blocks of about 256 kB; pieces of long ones alone."""
    block: list[Piece] = []
    size = 0
    for batch in shard.batches(("id", "text")):
        data, ends = batch.utf8()
        for number, (row, name) in enumerate(
            zip(batch.rows.tolist(), batch.column("id"), strict=True)
        ):
            text = data[ends[number] : ends[number + 1]].tobytes()
            if size + len(text) > BLOCK_BYTES and block:
                yield block
                block, size = [], 0
            if len(text) > PIECE_BYTES:
                for piece in cut_pieces(row, name, text):
                    yield [piece]
                continue
            block.append(Piece(row, name, text, 0, len(text)))
            size += len(text)
    if block:
        yield block


def write_runs(path: Path, runs: Sequence[Run]) -> None:
    """Write runs in their order."""
    columns = {
        field.name: pa.array([getattr(run, field.name) for run in runs], field.type)
        for field in SCHEMA
    }
    table = pa.table(columns, schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", version="2.6")


def read_runs(path: Path) -> list[Run]:
    """What `write_runs` wrote."""
    return [Run(**row) for row in pq.read_table(path).to_pylist()]
