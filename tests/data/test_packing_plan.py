"""Laws of packing documents into rows."""

import random
from collections import Counter

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.progress import Progress
from scratchlm.data import DataConfig, TokenStore, build_shards, pack_documents
from scratchlm.data.packing_plan import Packing, plan_windows


def offsets_of(lengths):
    return np.cumsum([0, *lengths]).astype(np.int64)


def all_rows(offsets, T, window):
    rows = []
    for planned in plan_windows(offsets, T, window):
        at = 0
        for size in planned.sizes.tolist():
            rows.append(planned.pieces[at : at + size].tolist())
            at += size
        assert at == len(planned.pieces)
    return rows


@pytest.mark.parametrize("T", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("window", [1, 3, 8192])
def test_every_pair_of_every_document_stands_in_one_row(T, window):
    draw = random.Random(T)
    lengths = [1, T, T + 1, T + 2, 2 * T + 1, *draw.choices(range(1, 300), k=40)]
    seen = Counter()
    for row in all_rows(offsets_of(lengths), T, window):
        assert 0 < sum(length for _, _, length in row) <= T
        for document, start, length in row:
            seen.update((document, start + i) for i in range(length))
    expected = {(d, i) for d, n in enumerate(lengths) for i in range(n - 1)}
    assert seen == Counter(expected)


def test_only_a_document_longer_than_a_row_is_cut():
    lengths = [5, 17, 33, 34, 100, 2]
    pieces = [p for row in all_rows(offsets_of(lengths), 16, 8192) for p in row]
    assert Counter(document for document, _, _ in pieces) == {
        d: -(-(n - 1) // 16) for d, n in enumerate(lengths)
    }
    assert all(start % 16 == 0 for _, start, _ in pieces)


def test_many_short_documents_leave_little_padding():
    draw = random.Random(1)
    lengths = [2 + int(draw.expovariate(1 / 300)) for _ in range(5000)]
    rows = all_rows(offsets_of(lengths), 512, 8192)
    n_pairs = sum(lengths) - len(lengths)
    assert 1 - n_pairs / (512 * len(rows)) < 0.01


def test_the_files_give_any_row_and_are_made_once(store, tmp_path):
    packing = pack_documents(store, 16, tmp_path)
    rows = all_rows(store.document_offsets, 16, 8192)
    assert packing.n_rows == len(rows)
    assert packing.n_pieces == sum(map(len, rows))
    for row in (len(rows) - 1, 0, 7):
        assert packing.pieces_of(row).tolist() == rows[row]
    before = {p.name: (p.read_bytes(), p.stat().st_ino) for p in tmp_path.iterdir()}
    assert sorted(before) == ["pieces.bin", "rows.bin"]
    assert pack_documents(store, 16, tmp_path).key == packing.key
    after = {p.name: (p.read_bytes(), p.stat().st_ino) for p in tmp_path.iterdir()}
    assert after == before


def test_a_packing_of_another_length_is_refused_and_made_anew(store, tmp_path):
    pack_documents(store, 16, tmp_path)
    with pytest.raises(UserError, match="pack again"):
        Packing(tmp_path, store, 17)
    assert pack_documents(store, 17, tmp_path).context_length == 17


def test_a_packing_cut_off_is_made_anew(store, tmp_path):
    pack_documents(store, 16, tmp_path)
    whole = {path: path.read_bytes() for path in sorted(tmp_path.iterdir())}
    for path, data in whole.items():
        path.write_bytes(data[:-8])
        pack_documents(store, 16, tmp_path)
        assert path.read_bytes() == data


def test_the_waste_is_said(store, stream, tmp_path, capsys):
    packing = pack_documents(store, 16, tmp_path, Progress("data"))
    n_pairs = len(stream) - store.n_documents
    assert packing.n_pairs == n_pairs
    assert packing.padding_frac == 1 - n_pairs / (16 * packing.n_rows)
    assert f"{packing.padding_frac:.2%} padding" in capsys.readouterr().err


def test_nothing_but_empty_documents_is_refused(tokenizer, tmp_path):
    build_shards(DataConfig(), {"train": ["", ""]}, tokenizer, tmp_path)
    with pytest.raises(UserError, match="only empty documents"):
        pack_documents(TokenStore.open(tmp_path, "train"), 16, tmp_path / "packed")
