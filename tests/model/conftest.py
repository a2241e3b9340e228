from collections.abc import Callable

import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer

SHAPE = {
    "vocab_size": 32,
    "context_length": 24,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_model": 16,
    "d_ff": 24,
}


@pytest.fixture
def build_model() -> Callable[..., Transformer]:
    """A model whose every parameter is random (fresh ones hold zeros and ones)."""

    def build(seed: int = 0, **changes: object) -> Transformer:
        model = Transformer(ModelConfig.model_validate({**SHAPE, **changes}))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                noise = torch.randn(parameter.shape, generator=generator) * 0.3
                is_gain = parameter.dim() == 1 and not name.endswith("bias")
                parameter.copy_(1 + noise if is_gain else noise)
        return model

    return build


@pytest.fixture
def tokens() -> torch.Tensor:
    """Token ids (2, 17)."""
    return torch.randint(32, (2, 17), generator=torch.Generator().manual_seed(1))
