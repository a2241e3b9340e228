"""Laws of learning and applying merges."""

import random
from collections import Counter
from itertools import pairwise

import pytest
import tokenizers
from tokenizers import Regex, decoders, pre_tokenizers, trainers

from scratchlm.tokenizer.bpe import learn_merges
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.huggingface import byte_alphabet
from scratchlm.tokenizer.pattern import PATTERNS


def learn_naively(counts, n_merges, min_frequency=1, max_token_bytes=None):
    """The definition: recount all pairs before every merge."""
    words = {piece: list(piece) for piece in counts}
    lengths, merges = [1] * 256, []
    while len(merges) < n_merges:
        pairs = Counter()
        for piece, symbols in words.items():
            for pair in pairwise(symbols):
                pairs[pair] += counts[piece]
        fitting = [
            (-count, pair)
            for pair, count in pairs.items()
            if count >= min_frequency
            and (
                not max_token_bytes
                or lengths[pair[0]] + lengths[pair[1]] <= max_token_bytes
            )
        ]
        if not fitting:
            break
        pair = min(fitting)[1]
        words = {p: replace(s, pair, 256 + len(merges)) for p, s in words.items()}
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


def count(texts):
    counts = WordCounts()
    counts.add_texts(texts)
    return dict(counts.items())


def random_counts(seed, letters=b"aab", size=60):
    draw = random.Random(seed)
    words = [bytes(draw.choices(letters, k=draw.randrange(1, 12))) for _ in range(size)]
    return {word: draw.randrange(1, 5) for word in words}


@pytest.mark.parametrize("seed", range(25))
def test_merges_are_those_of_recounting_everything(seed):
    counts = random_counts(seed, letters=[b"a", b"ab", b"aab", b"abcd"][seed % 4])
    assert learn_merges(counts, 60, min_frequency=1) == learn_naively(counts, 60)


def test_merges_of_a_text_are_those_of_recounting_everything(texts):
    counts = count([texts[0][:8000], *texts[1:30]])
    assert learn_merges(counts, 200) == learn_naively(counts, 200, min_frequency=2)


@pytest.mark.parametrize("limit", [2, 3, 5])
def test_no_symbol_is_longer_than_allowed_and_shorter_ones_are_still_made(limit):
    counts = random_counts(5, letters=b"abc")
    merges = learn_merges(counts, 80, min_frequency=1, max_token_bytes=limit)
    assert merges == learn_naively(counts, 80, max_token_bytes=limit)


def test_merges_are_those_of_the_library_tokenizers_with_its_order_of_bytes(texts):
    alphabet = byte_alphabet()
    order = sorted(alphabet)  # the order in which that library numbers the bytes
    table = bytes(order.index(letter) for letter in alphabet)
    counts = count(texts)
    ours = learn_merges({p.translate(table): n for p, n in counts.items()}, 700)

    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    peer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERNS["llama3"]), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    peer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=956,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    peer.train_from_iterator(texts, trainer)
    names = [peer.id_to_token(i) for i in range(956)]
    assert names[:256] == order
    assert names[256:] == [names[a] + names[b] for a, b in ours]


def test_the_order_of_the_counts_plays_no_part():
    counts = random_counts(3, letters=b"abcde")
    shuffled = dict(random.Random(0).sample(sorted(counts.items()), len(counts)))
    assert learn_merges(shuffled, 50) == learn_merges(counts, 50)


def test_a_smaller_vocabulary_is_a_prefix_of_a_larger_one():
    counts = random_counts(4, letters=b"abcde")
    assert learn_merges(counts, 50)[:20] == learn_merges(counts, 20)


def test_of_equally_frequent_pairs_the_one_with_smaller_ids_is_first():
    counts = {b"zy": 3, b"ba": 3, b"bc": 3}
    assert learn_merges(counts, 3) == [(98, 97), (98, 99), (122, 121)]


def test_counts_beyond_32_bits_stay_exact():
    counts = {b"ab": 1 << 40, b"cd": (1 << 40) + 1}
    assert learn_merges(counts, 1) == [(99, 100)]


def test_a_rare_pair_is_not_merged():
    counts = {b"ab": 2, b"cd": 3}
    assert learn_merges(counts, 9, min_frequency=3) == [(99, 100)]
