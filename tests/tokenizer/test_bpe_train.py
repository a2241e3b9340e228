"""Laws of learning merges: the C core against the plain reference."""

import random

import pytest

from scratchlm import native
from scratchlm.base.progress import SILENT
from scratchlm.tokenizer import WordCounts
from scratchlm.tokenizer.bpe_train import _learn_in_python, learn_from_arrays
from scratchlm.tokenizer.counts_file import CountArrays

needs_core = pytest.mark.skipif(native.core is None, reason=native.why)


def both(arrays, n_merges, **options):
    fast = learn_from_arrays(arrays, n_merges, **options)
    slow = _learn_in_python(
        arrays,
        n_merges,
        options.get("min_frequency", 2),
        options.get("max_token_bytes"),
        options.get("initial_merges", ()),
        SILENT,
    )
    return fast, slow


def random_arrays(seed):
    draw = random.Random(seed)
    letters = [b"a", b"ab", b"abc", bytes(range(256))][seed % 4]
    pieces = {
        bytes(draw.choices(letters, k=draw.randrange(1, 30))): draw.randrange(1, 6)
        for _ in range(draw.randrange(1, 60))
    }
    return CountArrays.from_items(sorted(pieces.items()))


@needs_core
@pytest.mark.parametrize("seed", range(120))
def test_the_core_learns_the_references_merges_however_many_ties(seed):
    arrays = random_arrays(seed)
    for min_frequency in (1, 2, 4):
        fast, slow = both(arrays, 150, min_frequency=min_frequency)
        assert fast == slow


@needs_core
@pytest.mark.parametrize("limit", [2, 3, 8])
def test_the_core_keeps_the_longest_token_too(texts, limit):
    counts = WordCounts()
    counts.add_texts(texts)
    fast, slow = both(counts.arrays(), 900, max_token_bytes=limit)
    assert fast == slow


@needs_core
def test_the_core_learns_the_references_merges_of_a_text(texts):
    counts = WordCounts()
    counts.add_texts(texts)
    fast, slow = both(counts.arrays(), 4000, min_frequency=1)
    assert fast == slow
    assert len(fast) > 2000


@needs_core
@pytest.mark.parametrize("n_first", [0, 1, 40, 300])
def test_merges_given_first_come_first_and_the_rest_is_learned_after_them(
    texts, n_first
):
    other = WordCounts()
    other.add("a quite different text, with other words " * 9)
    initial = learn_from_arrays(other.arrays(), n_first)
    counts = WordCounts()
    counts.add_texts(texts[:1])
    fast, slow = both(counts.arrays(), 350, initial_merges=initial)
    assert fast == slow
    assert fast[: len(initial)] == initial


def test_a_smaller_vocabulary_is_a_prefix_of_a_larger_one(texts):
    counts = WordCounts()
    counts.add_texts(texts)
    large = learn_from_arrays(counts.arrays(), 1000)
    for n in (0, 1, 17, 500):
        assert learn_from_arrays(counts.arrays(), n) == large[:n]


@needs_core
def test_counts_beyond_32_bits_stay_exact():
    arrays = CountArrays.from_items([(b"ab", 1 << 50), (b"cd", (1 << 50) + 1)])
    assert learn_from_arrays(arrays, 2) == [(99, 100), (97, 98)]


@needs_core
def test_a_sum_beyond_64_bits_is_an_error_not_a_wrong_number():
    arrays = CountArrays.from_items([(b"ab", 1 << 62), (b"abab", 1 << 62)])
    with pytest.raises(OverflowError):
        learn_from_arrays(arrays, 1)


@needs_core
@pytest.mark.parametrize(
    "broken",
    [
        {"offsets": [0, 5]},
        {"offsets": [0, -1, 3]},
        {"offsets": [1, 3]},
        {"symbols": [97, 300, 98]},
        {"symbols": [97, -1, 98]},
        {"counts": [-5]},
        {"initial": [[97, 9999]]},
    ],
    ids=str,
)
def test_the_core_refuses_arrays_that_do_not_fit_together(broken):
    import numpy as np

    given = {
        "symbols": [97, 98, 99],
        "offsets": [0, 3],
        "counts": [5],
        "lengths": [1] * 256,
        "initial": [],
        **broken,
    }
    types = {"offsets": np.int64, "counts": np.int64}
    arrays = [np.array(v, types.get(k, np.int32)) for k, v in given.items()]
    with pytest.raises(ValueError, match="does not fit"):
        native.core.learn_merges(*arrays, 3, 1, 0)
