"""A model on the disk: `model.json` (config) and `model.safetensors`. No pickles."""

import importlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from scratchlm.base.atomic import read_json, write_bytes, write_json
from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer

CONFIG_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = "scratchlm-model"


def save_model(
    model: Transformer, directory: Path, extra: dict[str, Any] | None = None
) -> None:
    """Write a model directory; `extra` joins `model.json` (e.g. "quantization")."""
    write_bytes(directory / WEIGHTS_FILE, save(state_tensors(model)))
    description = {"format": FORMAT, "config": model.config.model_dump(mode="json")}
    write_json(directory / CONFIG_FILE, {**description, **(extra or {})})


def state_tensors(model: Transformer) -> dict[str, Tensor]:
    """The tensors to save: contiguous, on the CPU; a tied head once."""
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    if model.config.tied:
        del tensors["lm_head.weight"]
    return dict(sorted(tensors.items()))


def load_model(directory: Path, device: str = "cpu") -> Transformer:
    """Read a model directory, quantised or not; the model is in evaluation mode.

    Raises:
        UserError: missing, truncated or foreign files, or tensors that do not fit.
    """
    description = read_json(directory / CONFIG_FILE)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise UserError(
            f"{directory / CONFIG_FILE} does not describe a ScratchLM model"
        )
    config = build_config(ModelConfig, description["config"], str(directory))
    model = build_empty_model(config)
    if "quantization" in description:
        # on this floor, but only a quantised model needs it
        quantized = importlib.import_module("scratchlm.model.quantized_linear")
        quantized.quantize_structure(model, description["quantization"])
    load_tensors(model, read_tensors(directory / WEIGHTS_FILE), str(directory))
    return model.to(device).eval()


def build_empty_model(config: ModelConfig) -> Transformer:
    """A model whose parameters hold anything, for weights to be copied into.

    Nothing is drawn: torch's generator stays as it is, and a large model costs its
    memory alone.
    """
    with torch.device("meta"):
        model = Transformer(config)
    model.to_empty(device="cpu")
    model.reset_buffers()
    return model


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        UserError: missing or damaged.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; was the stage finished?") from None
    except SafetensorError as error:
        raise UserError(
            f"{path} is damaged ({error}); make it again or copy it again"
        ) from None


@torch.no_grad()
def load_tensors(model: Transformer, tensors: dict[str, Tensor], where: str) -> None:
    """Copy tensors into a model; every name must fit.

    Raises:
        UserError: names or shapes that do not fit.
    """
    if model.config.tied:
        tensors = {**tensors, "lm_head.weight": tensors["embed_tokens.weight"]}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{where}: the weights do not fit the config: {reason}"
        ) from None
