"""Which known architecture a model is, or why none of them holds it.

A reader of foreign formats knows a few shapes: Qwen3 (RoPE, RMSNorm, SwiGLU, query-key
norms), Llama (the same without these norms) and GPT-2 (learned positions, LayerNorm,
GELU). Our `modern` recipe is the first, `classic` the last; `diagram`, whose norms
stand after each residual sum, is none of them.
"""

from typing import Literal

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig

Architecture = Literal["qwen3", "llama", "gpt2"]

_NAMES = {"qwen3": "Qwen3", "llama": "Llama", "gpt2": "GPT-2"}
_WORDS = {"rmsnorm": "RMSNorm", "layernorm": "LayerNorm", "relu2": "ReLU²"}
_WORDS |= {"gelu": "GELU", "gelu_exact": "exact GELU", "swiglu": "SwiGLU"}


class RefusalError(UserError):
    """A format cannot hold a model; the message says why, in one line."""


def choose_architecture(config: ModelConfig) -> Architecture:
    """Name the architecture that computes exactly what this model computes.

    Raises:
        RefusalError: none of the known ones does; everything that stands against it.
    """
    architecture: Architecture = "gpt2"
    if config.position == "rope":
        architecture = "llama" if config.qk_norm == "none" else "qwen3"
    obstacles = _obstacles(config, architecture)
    if obstacles:
        raise RefusalError(
            f"no known architecture holds this model: {_NAMES[architecture]}, the "
            f"nearest, has no {', no '.join(obstacles)}"
        )
    return architecture


def _obstacles(config: ModelConfig, architecture: Architecture) -> list[str]:
    classic = architecture == "gpt2"
    wanted_norm = "layernorm" if classic else "rmsnorm"
    wanted_mlp = "gelu" if classic else "swiglu"
    width = config.n_heads * config.d_head
    checks = {
        "norms after each residual sum": config.norm_placement == "post",
        _WORDS[config.norm]: config.norm != wanted_norm,
        f"{_WORDS[config.mlp]} network": config.mlp != wanted_mlp,
        "query-key norms": classic and config.qk_norm != "none",
        "grouped queries": classic and config.n_kv_heads != config.n_heads,
        f"heads of {width} channels in all beside a width of {config.d_model}": classic
        and width != config.d_model,
        "biases": architecture == "qwen3" and config.bias,
    }
    checks |= _further(config)
    return [what for what, stands in checks.items() if stands]


def _further(config: ModelConfig) -> dict[str, bool]:
    """Switches that none of the known architectures has, or that no export writes."""
    return {
        "reading without positions": config.position == "none",
        "rotary scaling in this export": config.rope_scaling != "none",
        "norms without gains": not config.norm_gain,
        "norm of the embedding": config.embedding_norm,
        "query-key norms after RoPE": config.qk_norm == "after_rope",
        "attention windows in this export": config.attention_window is not None,
        "logit soft-cap": config.logit_softcap is not None,
        "value embeddings": config.value_embeddings != "none",
        "residual scalars": config.residual_scalars,
        "experts": config.n_experts is not None,
    }
