import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.dedup.minhash import (
    band_keys,
    band_keys_in_numpy,
    shared_buckets,
)
from scratchlm.corpus.dedup.shingles import jaccard, unique_shingles

PARTS = ["a", " ", "the cat sat on the mat ", "日本", "ខ្មែរ", "“", "é" * 40, "z" * 70]
TEXTS = st.lists(st.lists(st.sampled_from(PARTS), max_size=40).map("".join), max_size=9)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.sampled_from([(18, 6), (27, 4), (1, 1), (3, 50)]))
def test_the_keys_are_those_of_the_reference(texts, shape):
    keys, counts = band_keys(texts, *shape, threads=2)
    expected, lengths = band_keys_in_numpy(texts, *shape)
    assert np.array_equal(keys, expected)
    assert np.array_equal(counts, lengths)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_column_has_the_keys_of_its_texts(prose, threads):
    texts = [prose(seed, 30 * seed) + "é" for seed in range(20)]
    data = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, data)])
    column = (np.frombuffer(b"".join(data), np.uint8), offsets)
    for one, other in zip(
        band_keys(column, 18, 6, threads), band_keys(texts, 18, 6), strict=True
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_agreement_of_single_values_estimates_the_true_jaccard(prose, share):
    pairs = [
        (prose(seed, 200), prose(seed, 200) + prose(10**6 + seed, int(200 * share)))
        for seed in range(40)
    ]
    left, right = (
        band_keys([pair[side] for pair in pairs], 108, 1)[0] for side in (0, 1)
    )
    estimate = float((left == right).mean())
    a = unique_shingles([left for left, _ in pairs])
    b = unique_shingles([right for _, right in pairs])
    true = float(np.mean([jaccard(x, y) for x, y in zip(a, b, strict=True)]))
    assert abs(estimate - true) < 0.03


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), max_size=12))
def test_buckets_are_what_two_documents_or_more_share(rows):
    keys = np.array(rows, np.uint64).reshape(-1, 3)
    met = shared_buckets(keys, np.ones(len(keys), np.int64))
    flat = keys.ravel().tolist()
    frequent = {key for key in flat if flat.count(key) > 1}
    for document, row in enumerate(rows):
        mine = met.buckets[met.documents == document]
        assert sorted(keys_of(met, keys)[bucket] for bucket in mine) == sorted(
            key for key in row if key in frequent
        )
    assert np.array_equal(met.documents, np.sort(met.documents))


def keys_of(met, keys):
    """Bucket number → the key: buckets are numbered in order of their keys."""
    flat = keys.ravel().tolist()
    return sorted({key for key in flat if flat.count(key) > 1})


def test_documents_without_words_meet_nobody():
    keys, counts = band_keys(["...", "!!", ""], 18, 6)
    assert counts.tolist() == [0, 0, 0]
    assert len(shared_buckets(keys, counts).documents) == 0


def test_a_key_is_the_same_on_every_machine_and_run():
    keys, _ = band_keys(["one two three four five six"], 2, 3)
    assert keys.tolist() == [[0x39CEF1665BD3FE20, 0x06191C8B8D907737]]
