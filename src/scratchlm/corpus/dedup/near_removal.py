"""The step that removes near-duplicates from a corpus of shards.

Beside the decisions it leaves `duplicates.parquet`: for each removed document the
kept one and their true likeness, those of one kept document together; `near_show`
opens it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.near_groups import Ranked, rank_candidates, verified_pairs
from scratchlm.corpus.dedup.near_rounds import SHARED_ROUNDS, near_settings
from scratchlm.corpus.dedup.words import Indices
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.decisions import Decision, write_decisions
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, decisions_path

DUPLICATES = "duplicates.parquet"
ALIKE = "near-duplicate"
CONTAINED = "contained in a longer document"
GROUP_ROWS = 2**16
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("kept_source", "kept_id")),
        *((name, pa.int64()) for name in ("kept_shard", "kept_row")),
        *((name, pa.string()) for name in ("source", "id")),
        *((name, pa.int64()) for name in ("shard", "row", "n_bytes")),
        *((name, pa.float64()) for name in ("jaccard", "containment")),
    ]
)
CANARY = " ".join(
    f"{first}{middle}{last}q" for first in "zxj" for middle in "uy" for last in "vwkgf"
)


def near_step(config: NearConfig) -> CorpusStep:
    """Remove near-duplicates; `config.enabled` is not looked at."""
    rounds = (*SHARED_ROUNDS, Round("verify", "corpus", decide))
    texts = (f"{CANARY}.", f"{CANARY.upper()}!")
    canaries = tuple(
        Document(f"near-{number}", text, "canary") for number, text in enumerate(texts)
    )
    return CorpusStep("near_duplicates", config, rounds, canaries)


def decide(work: CorpusWork) -> None:
    """Verify all candidates; write decisions on every shard, and the clusters."""
    config = near_settings(work.config)
    ranked = rank_candidates(work)
    removed = _Removed(ranked, config)
    for number in range(len(work.shards)):
        write_decisions(decisions_path(work.out, number), removed.decisions(number))
    removed.write(work.out / DUPLICATES)


class _Removed:
    """What goes because of what, by rank: (N,) each, clusters together."""

    def __init__(self, ranked: Ranked, config: NearConfig) -> None:
        pairs = list(verified_pairs(ranked, config))
        none: Indices = np.zeros(0, np.int64)
        later = np.concatenate([none, *(some.later for some in pairs)])
        earlier = np.concatenate([none, *(some.earlier for some in pairs)])
        shares: NDArray[np.float64] = np.zeros(0)
        jaccard = np.concatenate([shares, *(some.jaccard for some in pairs)])
        inside = np.concatenate([shares, *(some.containment for some in pairs)])
        order = np.lexsort([later, earlier])
        self._ranked, self._threshold = ranked, config.threshold
        self._later, self._earlier = later[order], earlier[order]
        self._jaccard, self._inside = jaccard[order], inside[order]

    def decisions(self, shard: int) -> Iterator[Decision]:
        """The decisions on one shard, in any order."""
        mine = np.flatnonzero(self._ranked.shard[self._later] == shard)
        for place in mine.tolist():
            jaccard = float(self._jaccard[place])
            reason = ALIKE if jaccard >= self._threshold else CONTAINED
            row = int(self._ranked.row[self._later[place]])
            _, kept = self._ranked.name(self._earlier[place])
            yield Decision(row, reason=reason, of=kept, value=round(jaccard, 6))

    def write(self, path: Path) -> None:
        """One row a removed document, in order of the kept ones' rank."""
        with pq.ParquetWriter(path, SCHEMA, compression="zstd", version="2.6") as file:
            for begin in range(0, len(self._later), GROUP_ROWS):
                file.write_batch(self._rows(slice(begin, begin + GROUP_ROWS)))

    def _rows(self, part: slice) -> pa.RecordBatch:
        columns = []
        for ranks in (self._earlier[part], self._later[part]):
            shard = self._ranked.shard[ranks]
            sources = [self._ranked.work.shards[number].source for number in shard]
            ids = self._ranked.ids.take(pa.array(ranks))
            columns += [pa.array(sources, pa.string()), ids, shard]
            columns.append(self._ranked.row[ranks])
        columns.append(self._ranked.n_bytes[self._later[part]])
        columns += [self._jaccard[part], self._inside[part]]
        return pa.record_batch(columns, schema=SCHEMA)
