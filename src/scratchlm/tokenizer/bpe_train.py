"""Learn merges from counted pieces, in the C core where it is here.

Both ways give the same merges: the most frequent pair first; of pairs equally
frequent the one with the smaller left id, then the smaller right id.
"""

from collections.abc import Sequence

import numpy as np

from scratchlm import native
from scratchlm.base.progress import SILENT, Progress
from scratchlm.tokenizer.bpe import Merge, learn_merges_of_symbols
from scratchlm.tokenizer.bpe_encoding import apply_merges
from scratchlm.tokenizer.counts_file import CountArrays


def learn_from_arrays(
    arrays: CountArrays,
    n_merges: int,
    *,
    min_frequency: int = 2,
    max_token_bytes: int | None = None,
    initial_merges: Sequence[Merge] = (),
    progress: Progress = SILENT,
) -> list[Merge]:
    """Learn up to `n_merges` merges of bytes, those given first.

    Args:
        arrays: pieces and how often each occurs.
        n_merges: how many, `initial_merges` included.
        min_frequency: a pair that occurs less often is never merged.
        max_token_bytes: no token longer than this is made.
        initial_merges: merges that come first, whatever the counts say.
        progress: told how many were learned.
    """
    if native.core is None:
        return _learn_in_python(
            arrays, n_merges, min_frequency, max_token_bytes, initial_merges, progress
        )
    learned, _ = native.core.learn_merges(
        np.ascontiguousarray(arrays.blob, np.int32),
        arrays.offsets,
        np.ascontiguousarray(arrays.counts, np.int64),
        np.ones(256, np.int32),
        np.array(initial_merges, np.int32).reshape(-1, 2),
        n_merges,
        min_frequency,
        max_token_bytes or 0,
    )
    pairs = np.frombuffer(learned, np.int32).reshape(-1, 2).tolist()
    merges = [(left, right) for left, right in pairs]
    progress.update(len(merges), n_merges, "merges")
    return merges


def _learn_in_python(
    arrays: CountArrays,
    n_merges: int,
    min_frequency: int,
    max_token_bytes: int | None,
    initial_merges: Sequence[Merge],
    progress: Progress,
) -> list[Merge]:
    ranks = {merge: 256 + index for index, merge in enumerate(initial_merges)}
    pieces = [(apply_merges(piece, ranks), count) for piece, count in arrays.items()]
    lengths = [1] * 256
    for left, right in initial_merges:
        lengths.append(lengths[left] + lengths[right])
    learned = learn_merges_of_symbols(
        pieces,
        n_merges - len(initial_merges),
        lengths=lengths,
        min_frequency=min_frequency,
        max_length=max_token_bytes,
        progress=progress,
    )
    return [*initial_merges, *learned]
