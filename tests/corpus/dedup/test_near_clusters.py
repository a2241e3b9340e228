import pytest

from scratchlm.corpus.dedup.near_clusters import (
    cluster_name,
    cluster_step,
    near_duplicate_clusters,
    read_clusters,
)
from scratchlm.corpus.dedup.near_config import ClusterConfig
from scratchlm.corpus.document import Document


@pytest.fixture
def chain(prose):
    """Each text shares two thirds with the next; the ends share nothing."""
    words = prose(1, 600).split(" ")
    texts = [" ".join(words[at : at + 200]) for at in range(0, 401, 50)]
    return [*texts, prose(2, 200), prose(3, 200)]


def test_a_chain_of_likeness_is_one_cluster(chain):
    clusters = near_duplicate_clusters(chain)
    assert len(set(clusters[:-2])) == 1
    assert clusters[-2:] == [len(chain) - 2, len(chain) - 1]
    assert clusters[clusters[0]] == clusters[0]


def test_below_the_threshold_there_is_no_link(chain):
    assert near_duplicate_clusters(chain, threshold=0.9) == list(range(len(chain)))


def test_shards_and_memory_change_no_cluster(chain, small_flow):
    documents = [Document(f"d{n}", text, "web") for n, text in enumerate(chain)]
    first = near_duplicate_clusters(chain)
    company = {n for n in range(len(chain)) if first.count(first[n]) > 1}
    longest = max(company, key=lambda n: len(chain[n]))
    expected = {f"d{n}": cluster_name("web", f"d{longest}") for n in company}
    for n_shards, memory in ((1, 10**8), (4, 10**8), (3, 1)):
        shards = [documents[n::n_shards] for n in range(n_shards)]
        flow = small_flow(shards, name=f"{n_shards}")
        decided = flow.run(cluster_step(ClusterConfig()), memory_bytes=memory)
        assert not any(decided)
        out = flow.directory / "step1" / "link"
        found = {}
        for number, shard in enumerate(shards):
            clusters = read_clusters(out, number)
            assert list(clusters) == sorted(clusters)
            found |= {shard[row].id: name for row, name in clusters.items()}
        assert found == expected
