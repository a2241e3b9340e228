import numpy as np

from scratchlm.corpus.dedup.config import ExactConfig
from scratchlm.corpus.dedup.exact import exact_step
from scratchlm.corpus.dedup.exact_rows import Rows, RowWriter
from scratchlm.corpus.flow.rounds import Shard
from scratchlm.corpus.flow.table import read_batches, write_documents


def test_names_and_sizes_are_read_back_by_row(tmp_path, document):
    made = [document(f"döc {n}" * n, "ü" * n) for n in range(9)]
    write_documents(tmp_path / "d.parquet", made)
    with RowWriter(tmp_path / "rows", 9) as writer:
        for batch in read_batches(tmp_path / "d.parquet"):
            writer.add(batch)
    rows = Rows(tmp_path / "rows")
    assert len(rows) == 9
    assert rows.n_bytes().tolist() == [2 * n for n in range(9)]
    assert rows.ids(np.array([8, 0, 3, 3])) == [made[n].id for n in (8, 0, 3, 3)]


def test_rows_keep_their_numbers_where_others_went_before(
    tmp_path, small_flow, document
):

    flow = small_flow(
        [[document(f"d{n}", "even odd"[5 * (n % 2) :]) for n in range(4)]]
    )
    flow.run(exact_step(ExactConfig()))
    shard: Shard = flow.shards[0]
    with RowWriter(tmp_path / "rows", shard.n_rows) as writer:
        for batch in shard.batches(("id", "text")):
            writer.add(batch)
    rows = Rows(tmp_path / "rows")
    assert rows.n_bytes().tolist() == [8, 3, 0, 0]
    assert rows.ids(np.array([1, 0])) == ["d1", "d0"]
