"""Lines that stand in an earlier document are cut from later ones, line end and all."""

from collections.abc import Iterator
from itertools import chain, pairwise

import numpy as np

from scratchlm.corpus.dedup.config import LineConfig
from scratchlm.corpus.dedup.exact_keys import FIRST_ROUND
from scratchlm.corpus.dedup.exact_parts import keep_first_parts, write_part_keys
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, ShardWork

NEWLINE = 10


def line_step(config: LineConfig) -> CorpusStep:
    """A line stays in the first document that has it."""
    rounds = (
        Round(FIRST_ROUND, "shard", write_line_keys),
        Round("decide", "corpus", keep_first_lines),
    )
    text = "planted " * (config.min_bytes // 8 + 2)
    canaries = tuple(
        Document(f"line{n}", f"Document {n}.\n{text}\n", "canary") for n in range(2)
    )
    return CorpusStep("line", config, rounds, canaries)


def write_line_keys(work: ShardWork) -> None:
    """The first round: one digest for each line that is long enough."""
    write_part_keys(work, split_lines)


def keep_first_lines(work: CorpusWork) -> None:
    """The last round: later lines are cut."""
    keep_first_parts(work, "a line of an earlier document")


def split_lines(text: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each line, its line feed included."""
    feeds = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE) + 1
    inner = feeds[feeds < len(text)].tolist()
    return pairwise(chain([0], inner, [len(text)]))
