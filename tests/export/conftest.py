"""Small models of every exportable shape, with weights that are all alive."""

import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.quantized_linear import QuantizedLinear, quantize_rows
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import save_model
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer

TEXT = (
    "def add(left, right):\n    return left + right  # the sum, naïve café 東京 1234\n"
)

SIZES = {"vocab_size": 320, "context_length": 64, "n_layers": 2, "n_heads": 4}
SIZES |= {"n_kv_heads": 2, "d_model": 64, "d_ff": 96, "rope_theta": 5000.0}
CLASSIC = {"position": "learned", "norm": "layernorm", "mlp": "gelu", "bias": True}
CLASSIC |= {"qk_norm": False, "n_kv_heads": 4, "tied": True, "norm_epsilon": 1e-5}
CLASSIC |= {"d_ff": 256}

SHAPES = {
    "modern": {},
    "modern_tied_wide_heads": {"tied": True, "d_head": 32},
    "llama": {"qk_norm": False},
    "llama_tied": {"qk_norm": False, "tied": True, "n_kv_heads": 1},
    "classic": CLASSIC,
    "classic_untied": CLASSIC | {"tied": False},
    "classic_without_biases": CLASSIC | {"bias": False},
}
DIAGRAM = {"norm": "layernorm", "norm_placement": "post", "qk_norm": False}


def build_config(name):
    shape = DIAGRAM if name == "diagram" else SHAPES[name]
    return ModelConfig.model_validate(SIZES | shape)


def build_model(config, seed=0):
    """Build a model in which no weight is at its idle starting value."""
    generator = torch.Generator().manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 0.2 if parameter.dim() > 1 else 0.3
            parameter.normal_(0, spread, generator=generator)
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1)
    return model


def quantize_model(model):
    """Round every matrix of the blocks to 4 bits in groups of 32."""
    modules = {}
    for name, layer in list(model.named_modules()):
        if name.startswith("layers.") and isinstance(layer, torch.nn.Linear):
            bias = layer.bias
            quantized = QuantizedLinear(
                layer.in_features, layer.out_features, bias=bias is not None
            )
            quantized.store(quantize_rows(layer.weight, 4, 32), bias=bias)
            model.set_submodule(name, quantized)
            modules[name] = {"input_scale": False}
    return {"quantization": {"bits": 4, "group_size": 32, "modules": modules}}


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Build a tokenizer of 320 tokens, a few of its slots unused."""
    return train_tokenizer(TokenizerConfig(vocab_size=320), [TEXT * 3, "zz top " * 9])


@pytest.fixture(scope="session")
def model_directories(tmp_path_factory):
    """Directory of a model of each shape, and of a quantised one."""
    root = tmp_path_factory.mktemp("models")
    for name in [*SHAPES, "diagram"]:
        save_model(build_model(build_config(name)), root / name)
    for name in ("modern", "classic"):
        model = build_model(build_config(name))
        extra = quantize_model(model)
        save_model(model, root / f"{name}_4_bits", extra)
    return root
