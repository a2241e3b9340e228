import numpy as np

from scratchlm.corpus.mix.split import (
    Clusters,
    choose_heldout,
    choose_one,
    count_clusters,
    key_limit,
    name_key,
)


def clusters_of(n, n_bytes=1000):
    names = [name_key(0, "split", f"d{i}") for i in range(n)]
    keys = np.array(names, np.uint64)
    return count_clusters(keys, np.full(n, n_bytes))


def test_about_the_wished_share_is_held_out():
    clusters = clusters_of(20_000)
    chosen = choose_heldout(clusters, 0.05, 20_000_000)
    assert 900 <= len(chosen) <= 1100


def test_a_cluster_keeps_its_side_when_others_come():
    before = choose_heldout(clusters_of(1000), 0.1, 10**9)
    after = choose_heldout(clusters_of(5000), 0.1, 10**9)
    assert set(before.tolist()) <= set(after.tolist())
    assert set(after.tolist()) & set(clusters_of(1000).keys.tolist()) == set(
        before.tolist()
    )


def test_other_seeds_and_purposes_choose_others():
    keys = {name_key(s, p, "d") for s in (0, 1) for p in ("mix", "split")}
    assert len(keys) == 4


def test_a_cluster_of_more_than_half_of_the_wished_bytes_stays_in_train():
    limit = int(key_limit(0.1)) - 1
    clusters = Clusters(np.array([1, limit], np.uint64), np.array([501, 500]))
    assert choose_heldout(clusters, 0.1, 10_000).tolist() == [limit]


def test_bytes_of_a_cluster_are_those_of_its_rows():
    clusters = count_clusters(np.array([7, 3, 7], np.uint64), np.array([1, 2, 4]))
    assert clusters.keys.tolist() == [3, 7]
    assert clusters.n_bytes.tolist() == [2, 5]


def test_where_hashes_choose_none_one_cluster_is_held_out():
    keys = np.array([2**63, 2**63 + 5, 2**63 + 9], np.uint64)
    small = Clusters(keys, np.array([900, 10, 10]))
    assert choose_one(small, 0.1, 920).tolist() == [2**63 + 5]
    large = Clusters(keys, np.array([900, 800, 850]))
    assert choose_one(large, 0.1, 2550).tolist() == [2**63 + 5]


def test_what_is_all_alike_cannot_be_split():
    one = Clusters(np.array([5], np.uint64), np.array([100]))
    assert choose_one(one, 0.1, 100).tolist() == []
