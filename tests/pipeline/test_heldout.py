"""Laws of the held-out loss that comparisons are made of."""

import math

import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import save_model
from scratchlm.pipeline.heldout import measure_heldout
from scratchlm.plan.presets import laptop_config
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer

TEXT = "what is held out is never learned from; " * 60
MACHINE = MachineConfig(threads=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with shards, their tokenizer and an untrained model."""
    folder = tmp_path_factory.mktemp("heldout")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    torch.manual_seed(0)
    model = Transformer(laptop_config(1, vocab_size=300, context_length=32))
    save_model(model, folder / "model")
    return folder


def measure(place, length=16, n_tokens=128):
    tokenizer = place / "tokenizer.json"
    return measure_heldout(place / "model", place, tokenizer, length, n_tokens, MACHINE)


def test_a_model_that_knows_nothing_needs_ln_v_nats_a_token(place):
    assert measure(place).loss == pytest.approx(math.log(300), rel=0.02)


def test_bits_per_byte_count_the_bytes_of_the_predicted_tokens(place):
    length = len(TokenStore.open(place, "heldout")) - 1
    store = TokenStore.open(place, "heldout")
    found = measure(place, length=32, n_tokens=32)  # one row, from the beginning
    lengths = Tokenizer.load(place / "tokenizer.json").byte_lengths
    n_bytes = int(lengths[store[1:33].astype(int)].sum())
    bits = found.loss * 32 / math.log(2)
    assert found.bits_per_byte == pytest.approx(bits / n_bytes)
    assert found.n_tokens == 32 < length


def test_more_rows_are_read_where_more_tokens_are_asked_for(place):
    assert measure(place, n_tokens=128).n_tokens == 128
    assert measure(place, n_tokens=10**9).n_tokens <= len(
        TokenStore.open(place, "heldout")
    )
    assert measure(place, n_tokens=1).n_tokens == 16  # one row at least


def test_the_same_rows_give_the_same_loss(place):
    assert measure(place) == measure(place)


def test_too_little_held_out_is_refused_with_the_remedy(place):
    with pytest.raises(UserError, match=r"smaller\s+train\.context_length"):
        measure(place, length=10**6)
