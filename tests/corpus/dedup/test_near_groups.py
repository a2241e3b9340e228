import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.dedup.near_groups import join_labels

EDGES = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30)


def joined_by_hand(edges):
    label = list(range(20))
    for a, b in edges:
        low, high = sorted((label[a], label[b]))
        label = [low if one == high else one for one in label]
    return label


@given(EDGES, st.integers(0, 30))
def test_labels_are_the_smallest_member_however_the_edges_are_dealt(edges, cut):
    labels = np.arange(20)
    for part in (edges[:cut], edges[cut:]):
        left, right = np.array(part, np.int64).reshape(-1, 2).T
        labels = join_labels(labels, left, right)
    assert labels.tolist() == joined_by_hand(edges)
