"""Parts of documents, paragraphs or lines: each stays in the first that has it.

Parts are compared with all white space made one blank, so that other line ends or
another indentation do not hide a copy; parts that are shorter than that are left
alone.
"""

from collections.abc import Callable, Iterable

import numpy as np

from scratchlm.corpus.dedup.exact_hits import Wording
from scratchlm.corpus.dedup.exact_keys import (
    COLUMNS,
    KEYS,
    digest_keys,
    keep_first,
    write_keys,
)
from scratchlm.corpus.dedup.sorted_keys import Records
from scratchlm.corpus.flow.rounds import CorpusWork, ShardWork
from scratchlm.corpus.flow.table import Batch

Spans = Iterable[tuple[int, int]]
SplitText = Callable[[bytes], Spans]
MOST_WAITING = 2**16


def write_part_keys(work: ShardWork, split: SplitText) -> None:
    """A first round: one digest for each part that is long enough.

    `split` gives begin and end of the parts of a text, in bytes.
    """
    min_bytes = work.config.min_bytes
    write_keys(
        work, ("id", "text"), lambda batch: part_records(batch, split, min_bytes)
    )


def keep_first_parts(work: CorpusWork, repeated: str) -> None:
    """A last round: later parts are cut; documents of which too little is left go."""
    wording = Wording(repeated, work.config.min_left_bytes)
    keep_first(work, wording, within_document=work.config.within_document)


def part_records(batch: Batch, split: SplitText, min_bytes: int) -> Records:
    """The records of all parts of at least `min_bytes`: (N, 5)."""
    data, ends = batch.utf8()
    done: list[Records] = [np.empty((0, COLUMNS), np.uint64)]
    things: list[bytes] = []
    places: list[tuple[int, int, int]] = []
    rows = zip(batch.rows.tolist(), ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    for row, first, last in rows:
        text = data[first:last].tobytes()
        for begin, end in split(text):
            if end - begin < min_bytes:
                continue
            thing = b" ".join(text[begin:end].split())
            if len(thing) >= min_bytes:
                things.append(thing)
                places.append((row, begin, end))
        if len(things) > MOST_WAITING:
            done.append(_records(things, places))
            things, places = [], []
    return np.concatenate([*done, _records(things, places)])


def _records(things: list[bytes], places: list[tuple[int, int, int]]) -> Records:
    records = np.empty((len(things), COLUMNS), np.uint64)
    records[:, :KEYS] = digest_keys(things)
    records[:, KEYS:] = np.array(places, np.uint64).reshape(-1, 3)
    return records
