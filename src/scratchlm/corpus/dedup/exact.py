"""Exact duplicates: documents with equal bytes, found by a 128-bit BLAKE2b digest."""

from itertools import pairwise

from scratchlm.corpus.dedup.config import ExactConfig
from scratchlm.corpus.dedup.exact_hits import Wording
from scratchlm.corpus.dedup.exact_keys import (
    FIRST_ROUND,
    keep_first,
    whole_rows,
    write_keys,
)
from scratchlm.corpus.dedup.sorted_keys import Records
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, ShardWork
from scratchlm.corpus.flow.table import Batch


def exact_step(config: ExactConfig) -> CorpusStep:
    """Of documents with equal texts the first stays."""
    rounds = (
        Round(FIRST_ROUND, "shard", write_text_keys),
        Round("decide", "corpus", keep_first_texts),
    )
    text = "Two documents of one text.\n"
    canaries = tuple(Document(f"exact{n}", text, "canary") for n in range(2))
    return CorpusStep("exact", config, rounds, canaries)


def write_text_keys(work: ShardWork) -> None:
    """The first round: one digest a document."""
    write_keys(work, ("id", "text"), _records)


def keep_first_texts(work: CorpusWork) -> None:
    """The last round: later documents with a digest that was there go."""
    keep_first(work, Wording("the same text as an earlier document"))


def _records(batch: Batch) -> Records:
    data, ends = batch.utf8()
    spans = pairwise(ends.tolist())
    return whole_rows(batch.rows, [data[begin:end].data for begin, end in spans])
