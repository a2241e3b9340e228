from collections.abc import Callable

import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer

SHAPE = {
    "vocab_size": 64,
    "context_length": 48,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_model": 32,
    "d_ff": 64,
}
ARCHITECTURES = {
    "modern": {},
    "multi-head": {"n_kv_heads": 4, "qk_norm": False},
    "multi-query": {"n_kv_heads": 1, "d_head": 16},
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
    "relu2": {"mlp": "relu2", "bias": True},
    "windowed": {"n_layers": 3, "attention_window": 5, "window_pattern": "SSL"},
    "experts": {"n_experts": 4, "n_shared_experts": 1, "attention_window": 3},
    "nanochat": {
        "qk_norm": "after_rope",
        "qk_scale": 1.2,
        "norm_gain": False,
        "embedding_norm": True,
        "mlp": "relu2",
        "logit_softcap": 15.0,
        "value_embeddings": "alternate",
        "residual_scalars": True,
    },
    "no positions": {"position": "none"},
}


@pytest.fixture
def build_model() -> Callable[..., Transformer]:
    """A model whose every matrix is random (fresh ones end in zeros)."""

    def build(seed: int = 0, **changes: object) -> Transformer:
        config = ModelConfig.model_validate({**SHAPE, **changes})
        model = Transformer(config).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * 0.3 if parameter.dim() > 1 else 1 + noise / 9)
        return model

    return build


@pytest.fixture(params=ARCHITECTURES, ids=str)
def model(request, build_model) -> Transformer:
    """One model of each architecture."""
    return build_model(**ARCHITECTURES[request.param])
