"""Laws of applying merges to one piece."""

import random

import pytest

from scratchlm.tokenizer.bpe import learn_merges
from scratchlm.tokenizer.bpe_encoding import apply_merges


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


def encode_naively(piece, merges):
    symbols = list(piece)
    for index, pair in enumerate(merges):
        symbols = replace(symbols, pair, 256 + index)
    return symbols


def random_counts(seed, letters=b"aabc", size=60):
    draw = random.Random(seed)
    words = [bytes(draw.choices(letters, k=draw.randrange(1, 12))) for _ in range(size)]
    return {word: draw.randrange(1, 5) for word in words}


@pytest.mark.parametrize("seed", range(20))
def test_applying_merges_equals_replacing_pair_after_pair(seed):
    counts = random_counts(seed, letters=b"aabc")
    merges = learn_merges(counts, 40, min_frequency=1)
    ranks = {merge: 256 + index for index, merge in enumerate(merges)}
    draw = random.Random(seed)
    for length in (0, 1, 2, 7, 63, 64, 65, 66, 200):
        piece = bytes(draw.choices(b"aabc", k=length))
        assert apply_merges(piece, ranks) == encode_naively(piece, merges)


def test_a_long_run_of_one_byte_takes_no_quadratic_work():
    merges = learn_merges({b"a" * 32: 2}, 5)
    ranks = {merge: 256 + index for index, merge in enumerate(merges)}
    calls = Counted(ranks)
    n = 20_000
    apply_merges(b"a" * n, calls)
    assert calls.looked_up < 20 * n


class Counted(dict):
    """A mapping that counts how often it is asked."""

    looked_up = 0

    def get(self, key, default=None):
        self.looked_up += 1
        return super().get(key, default)

    def __getitem__(self, key):
        self.looked_up += 1
        return super().__getitem__(key)


def test_the_id_that_a_merge_makes_need_not_be_its_rank():
    ranks, made = {(97, 98): 0, (900, 99): 1}, {0: 900, 1: 7}
    assert apply_merges(b"abcab", ranks, made) == [7, 900]
    assert apply_merges(b"abc" * 50, ranks, made) == [7] * 50
