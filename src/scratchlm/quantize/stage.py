"""The stage: load a model, quantise it, save it, and say what it cost.

The linear layers of the blocks become integers. Embeddings and the head stay in
bfloat16, norms and biases in float32 (they are nearly nothing of the file, and norms
carry the scales that they absorbed).

The last calibration sequences are kept apart from every choice: on them the saved
model, read back from the disk, is held against the full-precision one, and so is the
model rounded to nearest, as the yardstick.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int
from safetensors.torch import save
from torch import Tensor

from scratchlm.base.atomic import write_json
from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.config import ModelConfig
from scratchlm.model.quantized_linear import QuantizedLinear
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import WEIGHTS_FILE, load_model, save_model, state_tensors
from scratchlm.quantize.compare import compare_models
from scratchlm.quantize.config import QuantizeConfig
from scratchlm.quantize.rtn import round_layers
from scratchlm.quantize.transform import Record, quantize_model

_KEPT_APART = 8  # one calibration sequence of so many judges the result


def quantize(
    config: QuantizeConfig,
    model_directory: Path,
    calibration_tokens: npt.NDArray[np.integer[Any]],
    directory: Path,
    progress: Progress = SILENT,
) -> Path:
    """Write `directory/model` (which `load_model` reads) and `directory/receipt.json`.

    Args:
        config: method, bits, group size.
        model_directory: a full-precision model.
        calibration_tokens: (N, T) ids of text like that the model will meet.
        directory: where to write.
        progress: shows how far the work is.

    Returns:
        the path of the quantised model's directory.

    Raises:
        UserError: the model is quantised already or not finite, or the tokens do not
            fit it.
    """
    original, model = load_model(model_directory), load_model(model_directory)
    _check_model(original, model_directory)
    tokens = _check_tokens(calibration_tokens, original.config)
    seen, unseen = _split(tokens)
    n_bytes_before = _count_bfloat16_bytes(original)
    record = quantize_model(model, config, seen, progress)
    _store_as_bfloat16(model)
    target = directory / "model"
    save_model(model, target, {"quantization": _quantization(config, record)})
    rtn = load_model(model_directory)
    round_layers(rtn, record.modules, config)
    found, yardstick = (
        compare_models(original, each, unseen).rounded()
        for each in (load_model(target), rtn)
    )
    n_bytes = (target / WEIGHTS_FILE).stat().st_size
    receipt = {
        **config.model_dump(mode="json"),
        "n_calibration_tokens": seen.numel(),
        "file_bytes": {
            "bfloat16": n_bytes_before,
            "quantized": n_bytes,
            "ratio": float(f"{n_bytes_before / n_bytes:.4g}"),
        },
        "weights": _count_weights(model),
        "full_precision": _full_precision(model),
        "unseen": found,
        "unseen_rtn": yardstick,
        "scales": record.scales,
        "layers": record.errors,
        "notes": _notes(config, record, found["kl_nats"], yardstick["kl_nats"]),
    }
    write_json(directory / "receipt.json", receipt)
    return target


def _check_model(model: Transformer, where: Path) -> None:
    if any(isinstance(module, QuantizedLinear) for module in model.modules()):
        raise UserError(f"{where} is quantised already; give the model it came from")
    if model.config.n_experts is not None:
        raise UserError(
            f"{where} is a mixture of experts, and no method here rounds experts; "
            "use it as it is, or train a model without model.n_experts"
        )
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise UserError(f"{where}: {name} holds numbers that are not finite")


def _check_tokens(
    tokens: npt.NDArray[np.integer[Any]], config: ModelConfig
) -> Int[Tensor, "N T"]:
    if tokens.ndim != 2 or not tokens.size or tokens.shape[1] < 2:
        raise UserError(
            f"calibration tokens have the shape {tokens.shape}; give at least one "
            "sequence of at least two tokens"
        )
    if tokens.min() < 0 or tokens.max() >= config.vocab_size:
        raise UserError(
            f"calibration tokens run to {tokens.max()}, but the model's vocabulary "
            f"ends at {config.vocab_size - 1}; use the model's own tokenizer"
        )
    return torch.from_numpy(tokens[:, : config.context_length].astype(np.int64))


def _split(tokens: Int[Tensor, "N T"]) -> tuple[Tensor, Tensor]:
    """Sequences to calibrate on, and sequences to judge by (one alone is both)."""
    if len(tokens) == 1:
        return tokens, tokens
    n_unseen = max(1, len(tokens) // _KEPT_APART)
    return tokens[:-n_unseen], tokens[-n_unseen:]


def _store_as_bfloat16(model: Transformer) -> None:
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data = parameter.data.bfloat16()


def _count_bfloat16_bytes(model: Transformer) -> int:
    """The size of the file that holds the whole model in bfloat16."""
    tensors = state_tensors(model)
    return len(save({name: tensor.bfloat16() for name, tensor in tensors.items()}))


def _count_weights(model: Transformer) -> dict[str, int]:
    layers = [m for m in model.modules() if isinstance(m, QuantizedLinear)]
    quantized = sum(layer.in_features * layer.out_features for layer in layers)
    return {
        "quantized": quantized,
        "full_precision": model.config.n_parameters - quantized,
    }


def _full_precision(model: Transformer) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {"bfloat16": [], "float32": []}
    parameters = dict(model.named_parameters())  # a tied head appears once
    for name in sorted(parameters):
        names[str(parameters[name].dtype).removeprefix("torch.")].append(name)
    return names


def _quantization(config: QuantizeConfig, record: Record) -> dict[str, Any]:
    return {
        "method": config.method,
        "bits": config.bits,
        "group_size": config.group_size,
        "modules": dict(sorted(record.modules.items())),
    }


def _notes(
    config: QuantizeConfig, record: Record, kl_nats: float, rtn_kl_nats: float
) -> list[str]:
    if config.method == "rtn":
        return ["rounded to nearest; the calibration tokens only measured the errors"]
    notes = []
    explicit = [n for n, options in record.modules.items() if options["input_scale"]]
    if explicit:
        notes.append(
            f"{len(explicit)} layers keep an explicit input scale, because no earlier "
            "operation of this architecture can absorb it"
        )
    unscaled = [s for s in record.scales if s["scale"] == "identity"]
    if unscaled:
        notes.append(
            f"{len(unscaled)} groups are not scaled: no scale lowered the error"
        )
    if kl_nats > rtn_kl_nats:
        notes.append(
            "on text that it was not calibrated on, rounding to nearest is closer to "
            "the full-precision model: calibrate on more text, or like the model's own"
        )
    return notes
