"""Stretches of words that stand in an earlier document are cut from later ones.

    marks (shard)     keys of chosen places of every text
    decide (corpus)   equal marks of two documents → the longest stretch around them,
                      compared on the texts → cuts

Every stretch of at least `window_words` words that a document shares with an earlier
one has a mark in both. A mark is compared with the first document that has it and
with the last one before its own; what both texts have in common around it, white
space apart, is cut if it has enough whole words.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from scratchlm.corpus.dedup.config import SubstringConfig
from scratchlm.corpus.dedup.exact_hits import (
    Marks,
    Wording,
    decide_by_hits,
    shard_order,
)
from scratchlm.corpus.dedup.exact_rows import Rows, RowWriter
from scratchlm.corpus.dedup.sorted_keys import Records, RunWriter, runs_in
from scratchlm.corpus.dedup.substring_marks import Window, batch_marks, word_edges
from scratchlm.corpus.dedup.substring_match import BLANKS, match_around
from scratchlm.corpus.dedup.substring_pairs import (
    MARK_COLUMNS,
    PairFiles,
    mark_pairs,
)
from scratchlm.corpus.dedup.substring_texts import EarlierTexts
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, Shard, ShardWork

MARKS = "marks"
Span = tuple[int, int]
Due = tuple[int, int, Records]  # place, row and pairs of a document


def substring_step(config: SubstringConfig) -> CorpusStep:
    """A long stretch of words stays in the first document that has it."""
    rounds = (
        Round(MARKS, "shard", write_marks),
        Round("decide", "corpus", cut_later_stretches),
    )
    planted = " ".join(f"planted{n}" for n in range(config.window_words))
    canaries = tuple(
        Document(f"substring{n}", f"Document {n}: {planted} and its end {n}", "canary")
        for n in range(2)
    )
    return CorpusStep("substring", config, rounds, canaries)


def write_marks(work: ShardWork) -> None:
    """The first round: chosen grams of all texts, and where they stand."""
    window = Window(work.config.window_words)
    with (
        RowWriter(work.out, work.shard.n_rows) as rows,
        RunWriter(work.out, MARK_COLUMNS) as runs,
    ):
        for batch in work.shard.batches(("id", "text")):
            rows.add(batch)
            for marks in batch_marks(batch, window):
                runs.add(marks)


def cut_later_stretches(work: CorpusWork) -> None:
    """The last round: what later documents repeat is cut."""
    config: SubstringConfig = work.config
    directories = [work.earlier[MARKS][index] for index in shard_order(work)]
    shards = [runs_in(directory) for directory in directories]
    wording = Wording("words of an earlier document", config.min_left_bytes)
    find = partial(_repeated_stretches, work, shards)
    decide_by_hits(work, [Rows(path) for path in directories], wording, find)


def stretches(
    text: bytes, pairs: Records, texts: EarlierTexts, window: Window
) -> Records:
    """The verified hits among the pairs of one document.

    Args:
        text: the document, UTF-8.
        pairs: (N, 4): byte, of_place, of_row, of_byte, by byte.
        texts: those that the pairs name.

    Returns:
        (M, 4): begin, end, of_place, of_row; they may overlap.
    """
    starts, ends = word_edges(text)
    words = np.searchsorted(starts, pairs[:, 0].astype(np.int64))
    last = ends[np.minimum(words + window.gram_words, len(ends)) - 1].tolist()
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    found: list[tuple[int, int, int, int]] = []
    for number, (at, of_place, of_row, of_at) in enumerate(pairs.tolist()):
        begin, end = seen.get((of_place, of_row), (0, 0))
        if begin <= at and last[number] <= end:
            continue
        read = texts.reader(of_place, of_row)
        begin, end = seen[of_place, of_row] = match_around(text, at, read, of_at)
        first = int(np.searchsorted(starts, begin))
        after = int(np.searchsorted(ends, end, "right"))
        if after - first >= window.n_words:
            begin = max(begin, int(ends[first - 1]) if first else 0)
            end = min(end, int(starts[after]) if after < len(starts) else end)
            cut = _tidy(text, (begin, int(starts[first])), (int(ends[after - 1]), end))
            found.append((*cut, of_place, of_row))
    return np.array(found, np.uint64).reshape(-1, 4)


def _repeated_stretches(
    work: CorpusWork,
    shards: Sequence[Sequence[Path]],
    gone: Marks,
    asked: Marks | None,
    memory_bytes: int,
) -> Iterator[Records]:
    """All verified hits: (N, 6); every shard is read once, in order."""
    window = Window(work.config.window_words)
    with TemporaryDirectory(dir=work.out) as scratch:
        files = PairFiles(Path(scratch), mark_pairs(shards, gone, asked, memory_bytes))
        documents = files.by_document(memory_bytes)
        wanted = files.earlier(memory_bytes)
        with EarlierTexts(Path(scratch) / "texts.bin", wanted) as texts:
            due = next(documents, None)
            for place, index in enumerate(shard_order(work)):
                if not due:
                    return
                if due[0] > place and not texts.holds(place):
                    continue
                for row, text in _texts(work.shards[index]):
                    if due and due[:2] == (place, row):
                        yield _hits(due, stretches(text, due[2], texts, window))
                        due = next(documents, None)
                    texts.offer(place, row, text)
            assert due is None


def _hits(due: Due, found: Records) -> Records:
    """Verified stretches as hits on their document: (N, 6)."""
    where = np.array([due[:2]], np.uint64).repeat(len(found), 0)
    return np.hstack([where, found])


def _texts(shard: Shard) -> Iterator[tuple[int, bytes]]:
    """Row and text of all documents of a shard, in order."""
    for batch in shard.batches(("text",)):
        data, ends = batch.utf8()
        spans = pairwise(ends.tolist())
        for row, (begin, end) in zip(batch.rows.tolist(), spans, strict=True):
            yield row, data[begin:end].tobytes()


def _tidy(
    text: bytes, before: tuple[int, int], after: tuple[int, int]
) -> tuple[int, int]:
    """A cut from the first of some words to the last, with what clings to them.

    `before` and `after` are what else matched around them: of that go the marks that
    touch the words. The cut parts no character and leaves no two blanks in a row.
    """
    begin = before[1] - len(_clinging(text[slice(*before)][::-1]))
    end = after[0] + len(_clinging(text[slice(*after)]))
    while begin < end and text[begin] & 0xC0 == 0x80:
        begin += 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1
    if begin == 0 or text[begin - 1] in BLANKS:
        while end < len(text) and text[end] in b" \t":
            end += 1
    return begin, end


def _clinging(text: bytes) -> bytes:
    """What stands before the first white space."""
    ends = (n for n, byte in enumerate(text) if byte in BLANKS)
    return text[: next(ends, len(text))]
