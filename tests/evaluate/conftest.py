import inspect
import random

import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer


@pytest.fixture(scope="session")
def tokenizer():
    text = inspect.getsource(random)
    return train_tokenizer(TokenizerConfig(vocab_size=400), [text])


@pytest.fixture(scope="session")
def model(tokenizer):
    return random_model(tokenizer.vocab_size)


@pytest.fixture(scope="session")
def build_random_model():
    return random_model


@pytest.fixture(scope="session")
def build_constant_model():
    return constant_model


def random_model(vocab_size, seed=0, **changes):
    """Random weights everywhere, so that every earlier token matters."""
    torch.manual_seed(seed)
    sizes = {
        "context_length": 16,
        "n_layers": 2,
        "n_heads": 2,
        "n_kv_heads": 1,
        "d_model": 16,
        "d_ff": 32,
    }
    config = ModelConfig(vocab_size=vocab_size, **{**sizes, **changes})
    model = Transformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    return model


def constant_model(vocab_size, favourite, **changes):
    """A model that gives one token all but all probability, whatever it reads."""
    model = random_model(vocab_size, norm="layernorm", bias=True, **changes)
    with torch.no_grad():
        model.norm.weight.zero_()
        model.norm.bias.zero_()
        model.norm.bias[0] = 1.0
        model.lm_head.weight.zero_()
        model.lm_head.weight[favourite, 0] = 40.0
    return model
