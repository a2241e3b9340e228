"""A small tokenizer, documents, and a store with many little shards over them."""

import random
from pathlib import Path

import pytest

from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer

SHARD_TOKENS = 100


@pytest.fixture(scope="session")
def documents() -> dict[str, list[str]]:
    draw = random.Random(0)
    words = ["shards", "hold", "tokens", "of", "a", "text", "größer", "🎉", "42\n"]
    texts = [" ".join(draw.choices(words, k=draw.randrange(0, 60))) for _ in range(60)]
    return {"train": texts, "heldout": ["one text", "", "another"]}


@pytest.fixture(scope="session")
def tokenizer(documents: dict[str, list[str]]) -> Tokenizer:
    return train_tokenizer(TokenizerConfig(vocab_size=300), documents["train"])


@pytest.fixture(scope="session")
def directory(
    documents: dict[str, list[str]],
    tokenizer: Tokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    directory = tmp_path_factory.mktemp("data")
    config = DataConfig(shard_tokens=SHARD_TOKENS, seed=5)
    build_shards(config, documents, tokenizer, directory)
    return directory


@pytest.fixture
def store(directory: Path) -> TokenStore:
    return TokenStore.open(directory, "train")


@pytest.fixture(scope="session")
def stream(documents: dict[str, list[str]], tokenizer: Tokenizer) -> list[int]:
    """What the train split must hold."""
    return [
        token
        for text in documents["train"]
        for token in [*tokenizer.encode(text), tokenizer.endoftext_id]
    ]
