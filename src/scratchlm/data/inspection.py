"""The doctor of data: does a directory hold what its index says, and what is it like?

Reads every byte once: checksums, ids outside the vocabulary or never made by text,
documents without an end, lengths, the share of padding, some rows as text.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.units import format_bytes, format_count
from scratchlm.data.packing_plan import plan_windows
from scratchlm.data.permutation import permute
from scratchlm.data.store import TokenStore, read_index
from scratchlm.data.unfinished import UNFINISHED_NAME
from scratchlm.tokenizer.tokenizer import Tokenizer

BLOCK_TOKENS = 1 << 22
SAMPLE_TOKENS = 64


@dataclass(frozen=True)
class SplitReport:
    """What one split is like."""

    n_tokens: int
    n_documents: int
    n_empty: int
    """Documents without a token of text."""
    n_bytes: int
    """UTF-8 bytes of the texts."""
    n_shards: int
    shortest_tokens: int
    """Tokens of the shortest document, its end included; so the next two."""
    median_tokens: int
    longest_tokens: int
    highest_id: int | None
    """None without tokens."""
    n_ids_used: int
    """Different ids that occur."""
    padding_frac: float | None
    """Padding if documents are packed whole; None where no context length is given."""
    samples: tuple[str, ...] = ()
    """Beginnings of some documents, as text."""


@dataclass(frozen=True)
class DataReport:
    """What a directory of shards holds, and what is wrong with it."""

    splits: dict[str, SplitReport] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """One line each; none: the data is sound."""

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON value."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The report for people."""
        listed = [_describe(name, split) for name, split in self.splits.items()]
        problems = [f"problem: {line}" for line in self.problems]
        return [*listed, *(problems or ["no problem found"])]


def inspect_data(
    directory: Path,
    tokenizer: Tokenizer | None = None,
    *,
    context_length: int | None = None,
    n_samples: int = 3,
) -> DataReport:
    """Read a directory of shards whole and report; never raises for damaged data.

    Args:
        directory: what `build_shards` wrote.
        tokenizer: the one that made the ids; without it ids are not judged or shown.
        context_length: T, to say how much of packed rows would be padding.
        n_samples: documents of each split to show.
    """
    problems: list[str] = []
    if (directory / UNFINISHED_NAME).exists():
        problems.append(
            f"{directory} holds a build that has not ended: run the same command again"
        )
    try:
        names = sorted(read_index(directory)["splits"])
    except UserError as error:
        return DataReport({}, (*problems, str(error)))
    splits = {}
    for name in names:
        try:
            store = TokenStore.open(directory, name)
        except UserError as error:
            problems.append(str(error))
            continue
        report, found = _inspect_split(store, tokenizer, context_length, n_samples)
        splits[name] = report
        problems += [line if name in line else f"{name}: {line}" for line in found]
    return DataReport(splits, tuple(problems))


def _inspect_split(
    store: TokenStore,
    tokenizer: Tokenizer | None,
    context_length: int | None,
    n_samples: int,
) -> tuple[SplitReport, list[str]]:
    problems = store.find_damage()
    offsets = np.asarray(store.document_offsets)
    lengths = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != len(store) or (lengths < 1).any():
        return _report(store, lengths, np.zeros(0, np.int64)), [
            *problems,
            "documents do not lie one after the other: build the data again",
        ]
    counts = _count_ids(store)
    if tokenizer is not None:
        problems += _judge_ids(store, tokenizer, counts)
    padding = None
    if context_length is not None:
        padding = _measure_padding(offsets, context_length)
    samples = () if tokenizer is None else _show(store, tokenizer, n_samples)
    return _report(store, lengths, counts, padding, samples), problems


def _report(
    store: TokenStore,
    lengths: NDArray[np.int64],
    counts: NDArray[np.int64],
    padding_frac: float | None = None,
    samples: tuple[str, ...] = (),
) -> SplitReport:
    used = np.flatnonzero(counts)
    some = lengths if len(lengths) else np.zeros(1, np.int64)
    return SplitReport(
        n_tokens=len(store),
        n_documents=store.n_documents,
        n_empty=int((lengths == 1).sum()),
        n_bytes=store.n_bytes,
        n_shards=store.n_files,
        shortest_tokens=int(some.min()),
        median_tokens=int(np.partition(some, len(some) // 2)[len(some) // 2]),
        longest_tokens=int(some.max()),
        highest_id=int(used[-1]) if len(used) else None,
        n_ids_used=len(used),
        padding_frac=padding_frac,
        samples=samples,
    )


def _blocks(store: TokenStore) -> Iterator[NDArray[Any]]:
    for begin in range(0, len(store), BLOCK_TOKENS):
        yield store[begin : begin + BLOCK_TOKENS]


def _count_ids(store: TokenStore) -> NDArray[np.int64]:
    """How often each id occurs, up to the highest that does."""
    total = np.zeros(0, np.int64)
    for block in _blocks(store):
        counts = np.bincount(block, minlength=len(total))
        counts[: len(total)] += total
        total = counts
    return total


def _judge_ids(
    store: TokenStore, tokenizer: Tokenizer, counts: NDArray[np.int64]
) -> list[str]:
    problems = []
    if store.tokenizer_sha256 != tokenizer.sha256:
        problems.append(
            "the ids were made with another tokenizer: give that one, or build again"
        )
    outside = int(counts[tokenizer.vocab_size :].sum())
    if outside:
        problems.append(
            f"{outside:,} ids lie outside the vocabulary of {tokenizer.vocab_size:,}"
        )
    known = counts[: tokenizer.vocab_size]
    never = known.astype(bool) & (tokenizer.byte_lengths[: len(known)] == 0)
    never[tokenizer.endoftext_id : tokenizer.endoftext_id + 1] = False
    if never.any():
        problems.append(
            f"{int(known[never].sum()):,} ids stand for no text, the first is "
            f"{int(np.flatnonzero(never)[0])}"
        )
    n_ends = int(counts[tokenizer.endoftext_id : tokenizer.endoftext_id + 1].sum())
    if n_ends != store.n_documents or not _all_end(store, tokenizer.endoftext_id):
        problems.append(
            f"{n_ends:,} ends of documents for {store.n_documents:,} documents: some "
            "are missing or stand inside"
        )
    return problems


def _all_end(store: TokenStore, end: int) -> bool:
    """Does every document end with the end token?"""
    offsets, first = np.asarray(store.document_offsets)[1:], 0
    for block in _blocks(store):
        last = first + len(block)
        begin, stop = np.searchsorted(offsets, [first, last], "right")
        if (block[offsets[begin:stop] - 1 - first] != end).any():
            return False
        first = last
    return True


def _measure_padding(offsets: NDArray[np.int64], context_length: int) -> float | None:
    n_rows = sum(len(w.sizes) for w in plan_windows(offsets, context_length))
    n_pairs = int(offsets[-1]) - (len(offsets) - 1)
    return 1 - n_pairs / (n_rows * context_length) if n_rows else None


def _show(store: TokenStore, tokenizer: Tokenizer, n_samples: int) -> tuple[str, ...]:
    """The beginnings of some documents, spread over the split by its own seed."""
    n = store.n_documents
    if n == 0 or tokenizer.sha256 != store.tokenizer_sha256:
        return ()
    chosen = permute(np.arange(min(n, n_samples), dtype=np.int64), n, store.seed, -1)
    offsets = store.document_offsets
    texts = []
    for begin, end in ((offsets[i], offsets[i + 1]) for i in sorted(chosen.tolist())):
        ids = store[int(begin) : int(min(end - 1, begin + SAMPLE_TOKENS))]
        known = ids[ids < tokenizer.vocab_size]
        texts.append(tokenizer.decode(known))
    return tuple(texts)


def _describe(name: str, split: SplitReport) -> str:
    parts = [
        f"{name}: {format_count(split.n_tokens)} tokens of "
        f"{split.n_bytes / max(split.n_tokens, 1):.2f} bytes "
        f"({format_bytes(split.n_bytes)}) in {split.n_shards:,} shards",
        f"{split.n_documents:,} documents of {split.shortest_tokens:,} to "
        f"{split.longest_tokens:,} tokens, median {split.median_tokens:,}, "
        f"{split.n_empty:,} empty",
        f"{split.n_ids_used:,} different ids",
    ]
    if split.padding_frac is not None:
        parts.append(f"{split.padding_frac:.2%} padding if packed")
    return "; ".join(parts)
