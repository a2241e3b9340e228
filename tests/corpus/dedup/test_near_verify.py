import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.near_verify import Candidates, find_pairs, verify
from scratchlm.corpus.dedup.shingles import offsets_of

SETS = st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=25), max_size=14)
MEETINGS = st.integers(0, 2**32 - 1)


def candidates(sets, meetings):
    """Documents with these shingles, in buckets by the bits of a number."""
    draw = np.random.default_rng(meetings)
    buckets = [np.flatnonzero(draw.random(6) < 0.5) for _ in sets]
    return Candidates(
        np.concatenate([np.zeros(0, np.int64), *buckets]),
        offsets_of(np.array([len(b) for b in buckets], np.int64)),
        6,
        np.array([h for s in sets for h in sorted(s)], np.uint64),
        offsets_of(np.array([len(s) for s in sets], np.int64)),
        np.sort(draw.integers(5, 12, len(sets)))[::-1].copy(),
    )


@settings(max_examples=60, deadline=None)
@given(SETS, MEETINGS, st.booleans(), st.sampled_from([(64, 16), (2, 1), (1, 3)]))
def test_the_pairs_are_those_of_the_reference(sets, meetings, link, limits):
    leaders, compared = limits
    config = NearConfig(
        threshold=0.5, containment=0.9, max_leaders=leaders, max_comparisons=compared
    )
    made = candidates(sets, meetings)
    found = verify(made, config, link)
    expected = find_pairs(made, config, link)
    assert np.stack([found.later, found.earlier, found.common], 1).tolist() == (
        expected.tolist()
    )


@settings(max_examples=40, deadline=None)
@given(SETS, MEETINGS)
def test_what_goes_was_compared_with_what_stays(sets, meetings):
    config = NearConfig(threshold=0.4, containment=0.8)
    made = candidates(sets, meetings)
    found = verify(made, config)
    gone = set(found.later.tolist())
    assert len(gone) == len(found.later)
    assert not gone & set(found.earlier.tolist())
    for n, (a, b) in enumerate(
        zip(found.later.tolist(), found.earlier.tolist(), strict=True)
    ):
        both = len(sets[a] & sets[b])
        assert b < a
        assert found.jaccard[n] == both / len(sets[a] | sets[b])
        assert found.containment[n] == both / len(sets[a])
        contained = found.containment[n] >= 0.8 and made.lengths[a] <= made.lengths[b]
        assert found.jaccard[n] >= 0.4 or contained


@settings(max_examples=40, deadline=None)
@given(SETS, MEETINGS)
def test_links_are_a_forest(sets, meetings):
    found = verify(candidates(sets, meetings), NearConfig(threshold=0.3), link=True)
    group = list(range(len(sets)))
    for a, b in zip(found.later.tolist(), found.earlier.tolist(), strict=True):
        assert group[a] != group[b]
        group = [group[b] if g == group[a] else g for g in group]


def test_a_giant_set_and_a_small_one_are_compared_by_leaps():
    many = set(range(0, 20_000, 2))
    few = {2, 3, 18_000, 19_999}
    pair = Candidates(
        np.zeros(2, np.int64),
        np.array([0, 1, 2]),
        1,
        np.array(sorted(many) + sorted(few), np.uint64),
        np.array([0, len(many), len(many) + len(few)]),
        np.array([9, 8]),
    )
    found = verify(pair, NearConfig(threshold=0.9, containment=0.5))
    assert found.common.tolist() == [2]
