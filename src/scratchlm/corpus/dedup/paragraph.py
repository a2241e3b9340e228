"""Paragraphs that stand in an earlier document are cut from later ones.

Paragraphs are parted by empty lines. A cut takes the paragraph and the empty lines
after it.
"""

import re
from collections.abc import Iterator

from scratchlm.corpus.dedup.config import ParagraphConfig
from scratchlm.corpus.dedup.exact_keys import FIRST_ROUND
from scratchlm.corpus.dedup.exact_parts import keep_first_parts, write_part_keys
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, ShardWork

BREAK = re.compile(rb"\n(?:[ \t\r\f\v]*\n)+")


def paragraph_step(config: ParagraphConfig) -> CorpusStep:
    """A paragraph stays in the first document that has it."""
    rounds = (
        Round(FIRST_ROUND, "shard", write_paragraph_keys),
        Round("decide", "corpus", keep_first_paragraphs),
    )
    text = "planted " * (config.min_bytes // 8 + 2)
    canaries = tuple(
        Document(f"paragraph{n}", f"Document {n}.\n\n{text}\n", "canary")
        for n in range(2)
    )
    return CorpusStep("paragraph", config, rounds, canaries)


def write_paragraph_keys(work: ShardWork) -> None:
    """The first round: one digest for each paragraph that is long enough."""
    write_part_keys(work, split_paragraphs)


def keep_first_paragraphs(work: CorpusWork) -> None:
    """The last round: later paragraphs are cut."""
    keep_first_parts(work, "a paragraph of an earlier document")


def split_paragraphs(text: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each paragraph with the empty lines after it."""
    begin = 0
    for found in BREAK.finditer(text):
        yield begin, found.end()
        begin = found.end()
    if begin < len(text):
        yield begin, len(text)
