import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.tokenizer.tokenizer import Tokenizer


@pytest.fixture
def tokenizer() -> Tokenizer:
    """Bytes and control tokens only."""
    return Tokenizer.own([])


@pytest.fixture
def model(tokenizer) -> Transformer:
    """A random model with a context of 96 bytes."""
    shape = {"n_layers": 1, "n_heads": 2, "n_kv_heads": 1, "d_model": 16, "d_ff": 32}
    config = ModelConfig.model_validate(
        {"vocab_size": tokenizer.vocab_size, "context_length": 96, **shape}
    )
    model = Transformer(config).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model
