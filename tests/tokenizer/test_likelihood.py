"""Laws of learning merges by likelihood."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from scratchlm.tokenizer.likelihood import learn_merges_by_likelihood


def learn_naively(pieces, n_merges, n_symbols, min_frequency=1, max_length=None):
    """The definition: count all symbols and pairs anew before every merge."""
    words = [(list(symbols), count) for symbols, count in pieces]
    lengths, merges = [1] * n_symbols, []
    while len(merges) < n_merges:
        singles, pairs = Counter(), Counter()
        for symbols, count in words:
            for symbol in symbols:
                singles[symbol] += count
            for pair in pairwise(symbols):
                pairs[pair] += count
        fitting = [
            (-(count / (float(singles[a]) * float(singles[b]))), (a, b))
            for (a, b), count in pairs.items()
            if count >= min_frequency
            and (not max_length or lengths[a] + lengths[b] <= max_length)
        ]
        if not fitting:
            break
        pair = min(fitting)[1]
        words = [(replace(s, pair, len(lengths)), count) for s, count in words]
        merges.append(pair)
        lengths.append(lengths[pair[0]] + lengths[pair[1]])
    return merges


def replace(symbols, pair, made):
    result, at = [], 0
    while at < len(symbols):
        if tuple(symbols[at : at + 2]) == pair:
            result.append(made)
            at += 2
        else:
            result.append(symbols[at])
            at += 1
    return result


def random_pieces(seed, n_symbols, size=60):
    draw = random.Random(seed)
    return [
        (draw.choices(range(n_symbols), k=draw.randrange(1, 12)), draw.randrange(1, 5))
        for _ in range(size)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_merges_are_those_of_counting_everything_anew(seed):
    n_symbols = (1, 2, 3, 8)[seed % 4]
    pieces = random_pieces(seed, n_symbols)
    least = 1 + seed % 3
    learned = learn_merges_by_likelihood(
        pieces, 50, lengths=[1] * n_symbols, min_frequency=least
    )
    assert learned == learn_naively(pieces, 50, n_symbols, least)


@pytest.mark.parametrize("limit", [2, 3, 5])
def test_no_symbol_is_longer_than_allowed(limit):
    pieces = random_pieces(7, 3)
    learned = learn_merges_by_likelihood(
        pieces, 60, lengths=[1] * 3, min_frequency=1, max_length=limit
    )
    assert learned == learn_naively(pieces, 60, 3, max_length=limit)


def test_parts_that_are_rare_alone_join_before_parts_that_are_everywhere():
    """What the score is for: q is always before u, though e is often after h."""
    pieces = [([0, 1], 3), ([2, 3], 50), ([2, 4], 50), ([5, 3], 50)]
    assert learn_merges_by_likelihood(pieces, 1, lengths=[1] * 6) == [(0, 1)]


def test_a_rare_pair_is_not_merged():
    pieces = [([0, 1], 2), ([2, 3], 3)]
    learned = learn_merges_by_likelihood(pieces, 9, lengths=[1] * 4, min_frequency=3)
    assert learned == [(2, 3)]


def test_of_equal_scores_the_smaller_ids_are_first_in_any_order_of_the_pieces():
    pieces = [([4, 5], 3), ([2, 1], 3), ([2, 1, 0], 1), ([6, 0], 2)]
    first = learn_merges_by_likelihood(pieces, 9, lengths=[1] * 7)
    assert first == learn_merges_by_likelihood(pieces[::-1], 9, lengths=[1] * 7)
    assert first == learn_naively(pieces, 9, 7, 2)


def test_nothing_to_merge_gives_no_merges():
    assert learn_merges_by_likelihood([], 5, lengths=[1]) == []
    assert learn_merges_by_likelihood([([0], 9)], 5, lengths=[1]) == []
