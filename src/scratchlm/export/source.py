"""The model to export: its tensors as float32 arrays, under our names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scratchlm.model.config import ModelConfig
from scratchlm.model.quantized_linear import QuantizedLinear
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_model


@dataclass(frozen=True)
class Source:
    """A loaded model, quantised or not."""

    model: Transformer
    tensors: dict[str, NDArray[np.float32]]
    """Every parameter once, decoded where it is quantised, in the order of names."""
    quantized: dict[str, QuantizedLinear]
    """Quantised layers by the name of their weight."""

    @property
    def config(self) -> ModelConfig:
        """Shape of the model."""
        return self.model.config


def read_source(directory: Path) -> Source:
    """Load a model directory.

    Raises:
        UserError: missing, damaged or foreign files.
    """
    model = load_model(directory)
    quantized = {
        f"{name}.weight": module
        for name, module in model.named_modules()
        if isinstance(module, QuantizedLinear)
    }
    tensors = {name: p.detach().float() for name, p in model.named_parameters()}
    tensors |= {name: layer.decode() for name, layer in quantized.items()}
    arrays = {name: tensors[name].numpy() for name in sorted(tensors)}
    return Source(model, arrays, quantized)
