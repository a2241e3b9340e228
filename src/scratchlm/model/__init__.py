"""BATCHES → LOGITS: one transformer, switched by its config."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.model.config import ModelConfig as ModelConfig
    from scratchlm.model.transformer import Transformer as Transformer
    from scratchlm.model.weights import load_model as load_model
    from scratchlm.model.weights import save_model as save_model

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "ModelConfig": "config",
        "Transformer": "transformer",
        "load_model": "weights",
        "save_model": "weights",
    },
)
