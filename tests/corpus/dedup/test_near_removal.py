import random
from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from scratchlm.corpus.dedup.near import find_near_duplicates
from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.near_removal import DUPLICATES, near_step
from scratchlm.corpus.dedup.shingles import jaccard, unique_shingles
from scratchlm.corpus.document import Document

CONFIG = NearConfig()


@pytest.fixture(scope="module")
def library(prose):
    """Originals, near-duplicates of some at five levels, and a crowd of one form."""
    texts = {f"d{n:03d}": prose(n, 150 + n) for n in range(60)}
    for level, share in enumerate((0, 0.03, 0.1, 0.2, 0.4)):
        for n in range(12):
            words = prose(n, 150 + n).split(" ")
            block = prose(1000 + n, int(len(words) * share) + 1).split(" ")
            texts[f"x{level}{n:03d}"] = " ".join(words[:70] + block + words[70:])
    form = prose(5000, 120)
    texts |= {f"f{n:03d}": form + prose(6000 + n, 90) for n in range(20)}
    return [Document(name, text, "books") for name, text in texts.items()]


def dealt(documents, n_shards, seed=0):
    """The documents in shards, in another order."""
    mixed = random.Random(seed).sample(documents, len(documents))
    return [mixed[n::n_shards] for n in range(n_shards)]


def removed(flow, config=CONFIG, **options):
    """id → (reason, kept one's id, value)."""
    shards = list(flow.shards)
    decided = flow.run(near_step(config), **options)
    found = {}
    for shard, decisions in zip(shards, decided, strict=True):
        rows = [d.id for batch in shard.batches() for d in batch.documents()]
        for decision in decisions:
            assert decision.drops
            found[rows[decision.row]] = (decision.reason, decision.of, decision.value)
    return found


def test_the_step_finds_what_the_function_in_memory_finds(library, small_flow):
    names = [document.id for document in library]
    pairs = find_near_duplicates([d.text for d in library], CONFIG, names)
    found = removed(small_flow(dealt(library, 4)))
    assert len(pairs) > 50
    assert {name: (of, value) for name, (_, of, value) in found.items()} == {
        names[pair.removed]: (names[pair.kept], round(pair.jaccard, 6))
        for pair in pairs
    }


def test_shards_their_order_and_the_memory_change_nothing(library, small_flow):
    expected = removed(small_flow(dealt(library, 1), name="one"))
    for n_shards, memory in ((3, 10**8), (7, 20_000), (2, 1)):
        flow = small_flow(dealt(library, n_shards, seed=n_shards), name=f"{n_shards}")
        assert removed(flow, memory_bytes=memory) == expected


def test_nothing_goes_that_was_not_verified_against_what_stays(library, small_flow):
    found = removed(small_flow(dealt(library, 3)))
    sets = dict(
        zip(
            [document.id for document in library],
            unique_shingles([document.text for document in library]),
            strict=True,
        )
    )
    for name, (reason, of, value) in found.items():
        assert of not in found
        assert value == round(jaccard(sets[name], sets[of]), 6)
        if value < CONFIG.threshold:
            assert reason == "contained in a longer document"
            assert len(set(sets[name]) & set(sets[of])) >= 0.95 * len(sets[name])
    assert not [name for name in found if name[0] == "f"], "one form, other texts"


def test_the_source_of_higher_priority_keeps_its_document(prose, small_flow):
    text = prose(1, 200)
    shards = [
        [Document("a", text + "and a longer end of it all", "web")],
        [Document("b", text, "books")],
    ]
    flow = small_flow(shards, {"books": 1.0, "web": 0.0})
    assert removed(flow) == {"a": ("near-duplicate", "b", pytest.approx(0.97, 0.01))}
    flow = small_flow(shards, {"books": 0.0, "web": 1.0}, name="other")
    assert list(removed(flow)) == ["b"]


def test_a_planted_document_never_stays_in_place_of_a_real_one(prose, small_flow):
    for planted in ("aa", "zz"):  # whatever its content, which breaks ties
        text = prose(1, 200)
        shards = [
            [Document("real", f"{text} aa", "web")],
            [Document("planted", f"{text} {planted}", "canary")],
        ]
        flow = small_flow(shards, {"web": -2.0}, name=planted)
        assert list(removed(flow)) == ["planted"]


def test_earlier_decisions_are_seen(prose, small_flow):
    shards = [[Document(name, prose(1, 200), "web") for name in "abc"]]
    flow = small_flow(shards)
    assert len(removed(flow)) == 2
    assert [document.id for document in flow.documents()] == ["a"]
    assert removed(flow) == {}


def test_shards_with_the_same_documents_are_one_and_the_other(prose, small_flow):
    same = [Document(f"d{n}", prose(n, 90), "web") for n in range(3)]
    flow = small_flow([same, [Document("z", prose(9, 90), "web")], same, []])
    decided = flow.run(near_step(CONFIG))
    assert sum(map(len, decided)) == 3


def test_the_canaries_die_whatever_is_configured(small_flow):
    for threshold in (0.3, 1.0):
        config = NearConfig(threshold=threshold, containment=None)
        step = near_step(config)
        flow = small_flow([list(step.canaries)], name=str(threshold))
        assert len(removed(flow, config)) == 1


def test_duplicates_are_listed_with_their_true_jaccard(library, small_flow):
    flow = small_flow(dealt(library, 3))
    found = removed(flow)
    path = flow.directory / "step1" / "verify" / DUPLICATES
    listed = pq.read_table(path).to_pylist()
    assert {
        row["id"]: (row["kept_id"], round(row["jaccard"], 6)) for row in listed
    } == {name: (of, value) for name, (_, of, value) in found.items()}
    kept = [row["kept_id"] for row in listed]
    changes = sum(a != b for a, b in pairwise(kept))
    assert len(set(kept)) == 1 + changes, "those of one kept document stand together"


def test_texts_too_long_or_without_words_stay(prose, small_flow):
    config = NearConfig(max_document_bytes=1000)
    texts = [prose(1, 300), prose(1, 300), "...", "...", prose(2, 50), prose(2, 50)]
    shards = [[Document(f"{n}", text, "web") for n, text in enumerate(texts)]]
    assert list(removed(small_flow(shards), config)) == ["5"]
