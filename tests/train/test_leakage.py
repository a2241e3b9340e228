"""Laws of looking for held-out text in the training text."""

from pathlib import Path

import numpy as np
import pytest

from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.train import leakage as leakage_module
from scratchlm.train.leakage import PASSAGE, Leakage, find_leakage, hash_passages


@pytest.fixture(scope="module")
def tokenizer():
    """Bytes alone: a letter is a token."""
    return train_tokenizer(TokenizerConfig(vocab_size=272), ["abc"])


@pytest.fixture
def build(tokenizer, tmp_path):
    """Stores of a training and a held-out text."""
    made = iter(range(100))

    def build_stores(train: list[str], heldout: list[str]):
        folder = Path(tmp_path / str(next(made)))
        splits = {"train": train, "heldout": heldout}
        build_shards(DataConfig(shard_tokens=1000), splits, tokenizer, folder)
        return tuple(TokenStore.open(folder, split) for split in splits)

    return build_stores


def noise(seed, n_letters):
    draw = np.random.default_rng(seed)
    return "".join(map(chr, draw.integers(97, 123, n_letters)))


def test_texts_that_share_nothing_leak_nothing(build):
    found = find_leakage(*build([noise(0, 5000)], [noise(1, 900)]))
    assert found.leaked_frac == 0.0 and found.longest == (0, 0)
    assert (found.train_tokens, found.heldout_tokens) == (5001, 901)
    assert found.judge().normal


def test_a_copied_passage_is_found_at_its_place_and_length(build):
    copied, own = noise(2, 200), noise(1, 900)
    train = noise(0, 4000) + copied + noise(3, 900)
    heldout = own[:500] + copied + own[500:]
    found = find_leakage(*build([train], [heldout]))
    assert found.longest == (500, 200)
    assert found.leaked_frac == pytest.approx(200 / 1101)
    finding = found.judge(copied)
    assert not finding.normal and copied[:60] in finding.text


@pytest.mark.parametrize(("shared", "leaks"), [(PASSAGE - 1, 0), (PASSAGE, PASSAGE)])
def test_a_passage_has_its_length_and_not_a_token_less(build, shared, leaks):
    copied = noise(2, shared)
    train, heldout = noise(0, 500) + copied + "A", noise(1, 500) + copied + "B"
    found = find_leakage(*build([train + noise(4, 99)], [heldout + noise(5, 99)]))
    assert found.longest[1] == leaks


def test_a_passage_across_two_blocks_is_found(build, monkeypatch):
    copied = noise(2, 60)
    train = noise(0, 230) + copied + noise(3, 230)
    stores = build([train], [noise(1, 100) + copied])
    for block in (250, 257, 260, 289):
        monkeypatch.setattr(leakage_module, "BLOCK", block)
        assert find_leakage(*stores, most_train_tokens=1000).longest[1] == 60
        assert find_leakage(*stores, most_train_tokens=1000).train_tokens == 521


def test_a_long_text_is_searched_evenly_and_what_was_searched_is_said(
    build, monkeypatch
):
    monkeypatch.setattr(leakage_module, "BLOCK", 100)
    train, heldout = build([noise(0, 999)], [noise(0, 999)[950:]])
    found = find_leakage(train, heldout, most_train_tokens=300)
    assert found.train_tokens == 300
    assert found.leaked_frac == 1.0, "the first and the last block are among them"


def test_the_same_passage_has_the_same_hash_wherever_it_stands():
    tokens = np.random.default_rng(0).integers(0, 2**16, 200).astype(np.uint16)
    hashes = hash_passages(tokens)
    assert len(hashes) == 200 - PASSAGE + 1
    assert len(set(hashes.tolist())) == len(hashes)
    assert (hash_passages(tokens[50:120]) == hashes[50 : 50 + 70 - PASSAGE + 1]).all()
    swapped = tokens[:PASSAGE].copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    assert hash_passages(swapped)[0] != hashes[0]


@pytest.mark.parametrize("n_letters", [0, 5])
def test_without_a_passage_there_is_nothing_to_find(build, n_letters):
    found = find_leakage(*build([noise(0, 500)], [noise(1, n_letters)]))
    assert found.leaked_frac == 0.0
    found = find_leakage(*build([noise(0, n_letters)], [noise(1, 500)]))
    assert found.leaked_frac == 0.0


def test_a_clean_split_may_share_a_licence():
    assert Leakage(0.015, 1000, 9000, (0, 40)).judge().normal
    assert not Leakage(0.05, 1000, 9000, (0, 40)).judge().normal
