"""Finding items in documents: seeds by hash, then word by word, then byte by byte.

Seeds are sequences of 8 words that stand in an item (of 13 where the 8 are
boilerplate, whole prompts where they are short). Each is compared word by word with
its item (`growing`), and what is equal there is kept as a `Run`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.grams import words_of
from scratchlm.corpus.decontaminate.growing import (
    Grown,
    View,
    grow,
    nearest_answer,
    same_words,
)
from scratchlm.corpus.decontaminate.item_index import ItemIndex, unique_pairs
from scratchlm.corpus.decontaminate.pieces import Piece
from scratchlm.corpus.decontaminate.runs import QUESTION, REPLY, RUN, Run
from scratchlm.corpus.decontaminate.seeds import (
    Seeds,
    diagonals,
    find_seeds,
    questions,
)
from scratchlm.corpus.decontaminate.sentence import sentence_span
from scratchlm.corpus.dedup.words import Indices

EXCERPT_BYTES = 160


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
        words, edges = words_of([p.text[p.begin : p.end] for p in block])
        owners = np.repeat(np.arange(len(block)), np.diff(edges))
        begins = np.cumsum([0, *(p.end - p.begin + 1 for p in block)])[:-1]
        seeds = find_seeds(self.index, words, edges, owners)
        self._count(block, owners, seeds)
        for number, place, at in diagonals(self.index, owners, seeds):
            view = View(words, int(edges[number]), int(edges[number + 1]))
            self._match(block[number], view, place, at, int(begins[number]))
        for number, position, part in questions(self.index, owners, seeds[2]):
            view = View(words, int(edges[number]), int(edges[number + 1]))
            self._answer(block[number], view, position, part, int(begins[number]))

    def _count(
        self, block: Sequence[Piece], owners: Indices, seeds: Sequence[Seeds]
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

    def _match(self, piece: Piece, view: View, place: int, at: int, begin: int) -> None:
        index = self.index
        part = int(index.part_of[place])
        grown = grow(index, view, part, place, at)
        if grown is None:
            return
        self._keep(piece, view, grown, RUN, part, begin)

    def _answer(
        self, piece: Piece, view: View, position: int, part: int, begin: int
    ) -> None:
        """Keep a short prompt if it is one and an answer stands near it."""
        index, n_words = self.index, self.index.n_words(part)
        first = int(index.part_edges[part])
        if not same_words(index, view, first, position, n_words):
            return
        found = nearest_answer(self.config, index, view, position, part)
        if found is None:
            return
        answer, at = found
        question = Grown(0, n_words, position, position, position + n_words)
        self._keep(piece, view, question, QUESTION, part, begin)
        n_words = index.n_words(answer)
        reply = Grown(0, n_words, at, at, at + n_words)
        self._keep(piece, view, reply, REPLY, answer, begin)

    def _keep(
        self,
        piece: Piece,
        view: View,
        grown: Grown,
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
