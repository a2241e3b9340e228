"""A tokenizer of bytes and a tiny model that is not at its (too simple) start."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import save_model
from scratchlm.tokenizer.tokenizer import Tokenizer

FIXTURES = Path(__file__).parents[1] / "fixtures/post-training"


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.own([])


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture(scope="session")
def build_model() -> Callable[[int], Transformer]:
    return _build_model


@pytest.fixture(scope="module")
def base_model(tokenizer: Tokenizer, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("base") / "model"
    save_model(_build_model(tokenizer.vocab_size), directory)
    return directory


@pytest.fixture(scope="session")
def rows() -> list[dict]:
    names = ["open", "close", "sort", "join", "split", "copy"]
    return [
        {
            "id": name,
            "messages": [
                {"role": "user", "content": f"What does {name} do?"},
                {"role": "assistant", "content": f"It {name}s."},
            ],
        }
        for name in names
    ]


def _build_model(vocab_size: int) -> Transformer:
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=vocab_size,
        context_length=64,
        n_layers=2,
        n_heads=2,
        n_kv_heads=1,
        d_model=16,
        d_ff=32,
    )
    return Transformer(config)
