"""A byte tokenizer, a tiny model that is not at its (too simple) start, pairs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_tensors
from scratchlm.tokenizer.tokenizer import Tokenizer

FIXTURES = Path(__file__).parents[1] / "fixtures/post-training"


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.own([])


@pytest.fixture(scope="session")
def build_model() -> Callable[..., Transformer]:
    return _build_model


@pytest.fixture
def model(tokenizer: Tokenizer) -> Transformer:
    return _build_model(tokenizer.vocab_size)


@pytest.fixture(scope="session")
def rows() -> list[dict]:
    """Right answers repeat the name that was asked for; wrong ones another."""
    names = ["open", "close", "sort", "join", "split", "copy", "move", "list"]
    pairs = []
    for i, name in enumerate(names):
        wrong = names[(i + 3) % len(names)]
        for kind, rejected in (("hard", f"{wrong}s it."), ("truncated", f"{name}s")):
            pairs.append(
                {
                    "id": f"{kind}/{name}",
                    "kind": kind,
                    "split": "train",
                    "prompt": [{"role": "user", "content": f"What does {name} do?"}],
                    "chosen": f"{name}s it.",
                    "rejected": rejected,
                }
            )
    return pairs


def _build_model(vocab_size: int, position: str = "rope") -> Transformer:
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=vocab_size,
        context_length=64,
        position=position,
        n_layers=2,
        n_heads=2,
        n_kv_heads=1,
        d_model=16,
        d_ff=32,
    )
    model = Transformer(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.2)
    return model.eval()


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture
def llama() -> "LlamaLoader":
    return LlamaLoader()


class LlamaLoader:
    """Loads the fixtures' Llama-shaped checkpoints into our own model."""

    config = ModelConfig(
        vocab_size=512,
        context_length=512,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2,
        d_model=64,
        d_ff=176,
        qk_norm=False,
        norm_epsilon=1e-5,
    )

    def load(self, name: str) -> Transformer:
        foreign = load_file(FIXTURES / name / "model.safetensors")
        model = Transformer(self.config)
        ours = {key.removeprefix("model."): value for key, value in foreign.items()}
        load_tensors(model, ours, name)
        return model
