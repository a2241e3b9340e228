from collections.abc import Callable

import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer

SHAPE = {
    "vocab_size": 64,
    "context_length": 24,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_model": 32,
    "d_ff": 48,
}
ARCHITECTURES = {
    "modern": {},
    "classic": {
        "position": "learned",
        "norm": "layernorm",
        "mlp": "gelu",
        "n_kv_heads": 4,
        "qk_norm": False,
        "bias": True,
        "tied": True,
    },
    "diagram": {"norm": "layernorm", "norm_placement": "post", "qk_norm": False},
    "relu2": {"mlp": "relu2", "bias": True, "n_kv_heads": 1},
    "nanochat": {
        "mlp": "relu2",
        "norm_gain": False,
        "qk_norm": "after_rope",
        "value_embeddings": "alternate",
        "residual_scalars": True,
    },
}


@pytest.fixture
def build_model() -> Callable[..., Transformer]:
    """A random model whose inputs have a few loud channels, as trained ones have."""

    def build(**changes: object) -> Transformer:
        model = Transformer(ModelConfig.model_validate({**SHAPE, **changes})).eval()
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in model.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                if parameter.dim() > 1:
                    parameter.copy_(noise / parameter.shape[1] ** 0.5)
                else:
                    parameter.copy_(noise.exp())
        return model

    return build


@pytest.fixture(params=ARCHITECTURES, ids=str)
def model(request, build_model) -> Transformer:
    """One model of each architecture."""
    return build_model(**ARCHITECTURES[request.param])


@pytest.fixture
def tokens() -> torch.Tensor:
    """Calibration sequences, (18, 24)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(64, (18, 24), generator=generator)
