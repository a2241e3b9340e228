"""Laws of mixing several sources."""

from collections import Counter

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.data import (
    Blend,
    PackedBatches,
    TokenBatches,
    pack_documents,
    quotas_of_epochs,
    quotas_of_weights,
)
from scratchlm.data.permutation import rows_at

T = 4


class Numbered:
    """Rows that hold the name of their source and their own number."""

    context_length = T

    def __init__(self, name, n_rows, seed=0):
        self.name, self.n_rows, self.seed = name, n_rows, seed
        self.fingerprint = f"{name} {n_rows}"

    def rows(self, places):
        rows = rows_at(places, self.n_rows, self.seed)
        tokens = np.tile(rows[:, None], (1, T)) + 1000 * self.name
        mask = np.ones(tokens.shape, np.bool_)
        return {"tokens": tokens, "targets": tokens + 1, "loss_mask": mask}


def make(quotas, seed=3, sizes=(50, 7, 20)):
    parts = {f"p{i}": Numbered(i, n) for i, n in enumerate(sizes)}
    given = {f"p{i}": quota for i, quota in enumerate(quotas)}
    return Blend(parts, given, 4, seed)


def sources(blend, places):
    return (blend.rows(np.array(places))["tokens"][:, 0] // 1000).tolist()


@pytest.mark.parametrize("quotas", [(50, 7, 20), (10, 21, 20), (1, 0, 3)])
def test_every_block_holds_exactly_the_quotas_in_an_order_of_its_own(quotas):
    blend = make(quotas)
    n = blend.n_rows
    blocks = [sources(blend, range(b * n, (b + 1) * n)) for b in range(5)]
    wanted = Counter({i: quota for i, quota in enumerate(quotas) if quota})
    assert all(Counter(block) == wanted for block in blocks)
    assert n < 10 or len({tuple(block) for block in blocks}) == 5


def test_a_part_goes_through_its_own_epochs():
    """Seven rows, 21 a block: three epochs of it, each row three times."""
    blend = make((10, 21, 20))
    assert blend.epochs == {"p0": 0.2, "p1": 3.0, "p2": 1.0}
    found = blend.rows(np.arange(blend.n_rows))["tokens"][:, 0]
    assert Counter(found[found // 1000 == 1] % 1000) == dict.fromkeys(range(7), 3)
    five = blend.rows(np.arange(5 * blend.n_rows))["tokens"][:, 0]
    assert Counter(five[five // 1000 == 0]) == dict.fromkeys(range(50), 1)


def test_any_place_is_known_alone():
    blend = make((10, 21, 20))
    whole = blend.rows(np.arange(200))
    for place in (199, 0, 50, 51, 101):
        alone = blend.rows(np.array([place]))
        assert all((alone[name][0] == whole[name][place]).all() for name in whole)
    assert (blend.batch(7)["tokens"] == whole["tokens"][28:32]).all()


def test_weights_become_quotas_that_sum_exactly():
    parts = {name: Numbered(0, n) for name, n in (("a", 5), ("b", 90), ("c", 6))}
    weights = {"a": 1, "b": 1, "c": 1}
    assert quotas_of_weights(parts, weights) == {"a": 34, "b": 34, "c": 33}
    assert quotas_of_weights(parts, weights, 10) == {"a": 4, "b": 3, "c": 3}
    halves = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert quotas_of_weights(parts, halves, 8) == {"a": 4, "b": 2, "c": 2}
    odd = {"a": 0.1, "b": 0.2, "c": 0.7}
    assert sum(quotas_of_weights(parts, odd, 99_991).values()) == 99_991


def test_epochs_become_quotas():
    parts = {"a": Numbered(0, 5), "b": Numbered(1, 90)}
    assert quotas_of_epochs(parts, {"a": 3, "b": 0.5}) == {"a": 15, "b": 45}


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"a": 1}, "name the same"),
        ({"a": 1, "b": 1, "c": 1}, "name the same"),
        ({"a": 1, "b": -1}, "0 or more"),
        ({"a": 0, "b": 0}, "not all 0"),
        ({"a": 1, "b": float("nan")}, "0 or more"),
        ({"a": 1, "b": 1e-9}, "'b' gets none"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights, reason):
    parts = {"a": Numbered(0, 5), "b": Numbered(1, 90)}
    with pytest.raises(UserError, match=reason):
        quotas_of_weights(parts, weights)


def test_quotas_and_epochs_that_cannot_be_are_refused():
    parts = {"a": Numbered(0, 5), "b": Numbered(1, 90)}
    with pytest.raises(UserError, match="not all 0"):
        Blend(parts, {"a": 0, "b": 0}, 1, 0)
    with pytest.raises(UserError, match="name the same"):
        Blend(parts, {"a": 1}, 1, 0)
    with pytest.raises(UserError, match="0 or more"):
        quotas_of_epochs(parts, {"a": -1, "b": 1})


def test_parts_of_another_kind_are_refused(store, tmp_path):
    packed = PackedBatches(store, pack_documents(store, T, tmp_path), 1)
    stream = TokenBatches(store, T, 1)
    with pytest.raises(UserError, match="cut or pack them alike"):
        Blend({"a": packed, "b": stream}, {"a": 1, "b": 1}, 1, 0)
    separate = TokenBatches(store, T, 1, separate=True)
    blend = Blend({"a": packed, "b": separate}, {"a": 1, "b": 1}, 4, 0)
    assert blend.batch(0)["doc_ids"].shape == (4, T)


def test_what_decides_a_row_decides_the_fingerprint():
    prints = {
        make((50, 7, 20)).fingerprint,
        make((50, 7, 21)).fingerprint,
        make((50, 7, 20), sizes=(50, 8, 20)).fingerprint,
    }
    assert len(prints) == 3
    assert make((50, 7, 20), seed=9).fingerprint == make((50, 7, 20)).fingerprint
