"""Comparisons across rooms that no single room can make: before and after a stage.

`compare_preferences`: the chat model before and after alignment, on held-out pairs.
`compare_quantized`: the aligned model in bfloat16 and in four bits, on held-out text.
Each writes one JSON file and holds no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scratchlm.base.atomic import write_json
from scratchlm.base.device import apply_machine
from scratchlm.base.machine import MachineConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchlm.corpus import Document
    from scratchlm.evaluate import EvaluateConfig
    from scratchlm.model import Transformer
    from scratchlm.tokenizer import Tokenizer


def compare_preferences(
    before: Path,
    after: Path,
    tokenizer: Tokenizer,
    pairs: Sequence[dict[str, Any]],
    path: Path,
    machine: MachineConfig,
) -> dict[str, Any]:
    """Accuracy on held-out pairs before and after alignment, by kind.

    Returns what it wrote: `compare_accuracy`'s figures of each kind.
    """
    from scratchlm.align import compare_accuracy, preference_accuracy
    from scratchlm.model import load_model

    device = str(apply_machine(machine))
    first, second = (
        preference_accuracy(load_model(model, device), tokenizer, pairs)
        for model in (before, after)
    )
    result: dict[str, Any] = compare_accuracy(first, second)
    write_json(path, result)
    return result


def compare_quantized(
    config: EvaluateConfig,
    full: Path,
    quantized: Path,
    tokenizer: Tokenizer,
    documents: Iterable[Document],
    path: Path,
    machine: MachineConfig,
) -> dict[str, Any]:
    """Bits per byte of a model with bfloat16 weights and of its quantised form.

    Returns what it wrote: both figures with intervals, and their ratio.
    """
    from scratchlm.evaluate.bits_per_byte import bits_per_byte
    from scratchlm.evaluate.evaluate import select_documents
    from scratchlm.model import load_model

    device = str(apply_machine(machine))
    chosen = select_documents(documents, config)
    rounded, small = load_model(full, device), load_model(quantized, device)
    _round_to_bfloat16(rounded)
    length = min(
        config.context_length or rounded.config.context_length,
        rounded.config.context_length,
    )
    sixteen, four = (
        bits_per_byte(
            model,
            tokenizer,
            chosen.texts,
            length,
            config.stride,
            config.batch_size,
            chosen.names,
        )
        for model in (rounded, small)
    )
    result = {
        "bf16": sixteen.as_json(),
        "quantized": four.as_json(),
        "ratio": round(four.value / sixteen.value, 6),
        "selection": chosen.as_json(),
    }
    write_json(path, result)
    return result


def _round_to_bfloat16(model: Transformer) -> None:
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())
