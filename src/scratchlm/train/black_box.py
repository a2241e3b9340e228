"""The black box: all that is known about a step that the guard did not accept.

`events/step_000123/` holds `event.json` (what was judged, the first tensor that was not
finite, each row's loss, norms of each parameter and its gradient, an explanation),
`batch.safetensors` (the batch, exactly) and `batch.txt` (the same to read, the worst
row first). Steps are counted from 1, as in the metrics. No times: a run that is killed
and resumed writes the same files.
"""

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from scratchlm.base.atomic import atomic_directory
from scratchlm.base.process_group import count_processes, process_rank
from scratchlm.train.event_words import explain_event
from scratchlm.train.guard import Judgement
from scratchlm.train.rehearsal import Rehearsal

EVENTS = "events"
"""Folder of the events within the run's or stage's directory."""
Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class StepEvent:
    """Which step was judged how."""

    step: int
    """From 0."""
    batch_index: int
    """Which batch it read: the step, moved on by the rollbacks so far."""
    lr_scale: float
    judgement: Judgement


def record_event(
    directory: Path,
    event: StepEvent,
    rehearsal: Rehearsal,
    weights: Mapping[str, Tensor],
    decode: Decode | None = None,
) -> Path:
    """Write an event down; nothing of the run is changed by it.

    Args:
        directory: of the run or stage; `events/` is made in it.
        event: the step and its judgement.
        rehearsal: the step, to be repeated.
        weights: the masters by name, with the step's gradients where they have some.
        decode: ids → text; without it `batch.txt` holds ids.

    Returns:
        The event's folder; one that stands there already is replaced.
    """
    facts = _facts(event, rehearsal, weights)
    facts["explanation"] = explain_event(facts)
    path = directory / EVENTS / _folder_name(event)
    with atomic_directory(path) as temporary:
        # one line a row and a parameter
        text = json.dumps(_json_value(facts), indent=1, ensure_ascii=False)
        (temporary / "event.json").write_text(text + "\n", encoding="utf-8")
        window = {k: v.cpu().clone() for k, v in sorted(rehearsal.window.items())}
        flat = {name: rows.contiguous() for name, rows in window.items()}
        save_file(flat, temporary / "batch.safetensors")
        batch_text = _batch_text(facts["rows"], window, decode)
        (temporary / "batch.txt").write_text(batch_text, encoding="utf-8")
    return path


def list_events(directory: Path) -> list[Path]:
    """Folders of the recorded events, in the order of their steps."""
    return sorted((directory / EVENTS).glob("step_*"))


def drop_events_after(directory: Path, batches_read: int) -> None:
    """Delete the events of batches that a resumed run reads again.

    Args:
        directory: of the run or stage.
        batches_read: steps done, and what rollbacks passed over until then.
    """
    for path in list_events(directory):
        _, step, *rest = path.name.split("_")
        batch = int(rest[1]) if rest[:1] == ["batch"] else int(step) - 1
        if batch >= batches_read:
            shutil.rmtree(path)


def _facts(
    event: StepEvent, rehearsal: Rehearsal, weights: Mapping[str, Tensor]
) -> dict[str, Any]:
    judged = asdict(event.judgement)
    parameters = {name: _norms(tensor) for name, tensor in sorted(weights.items())}
    fault = None
    if str(event.judgement.kind).startswith("non_finite"):
        fault = rehearsal.find_fault()
    return {
        "step": event.step + 1,
        "batch": event.batch_index,
        **{name: judged.pop(name) for name in ("kind", "action", "reason")},
        **judged,
        "lr_scale": event.lr_scale,
        "loss_scale": rehearsal.loss_scale,
        "dtype": str(rehearsal.model.compute_dtype).removeprefix("torch."),
        "fault": None if fault is None else asdict(fault),
        "rows": _rows(rehearsal),
        "parameters": parameters,
    }


def _norms(weight: Tensor) -> dict[str, Any]:
    gradient = weight.grad
    return {
        "weight_norm": _norm(weight),
        "grad_norm": None if gradient is None else _norm(gradient),
        "n_weights_not_finite": int((~weight.detach().isfinite()).sum()),
        "n_grads_not_finite": (
            None if gradient is None else int((~gradient.isfinite()).sum())
        ),
    }


def _norm(tensor: Tensor) -> float:
    flat = tensor.detach().flatten()
    exact = torch.float32 if flat.device.type == "mps" else torch.float64
    return float(torch.linalg.vector_norm(flat, dtype=exact))


def _rows(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    tokens = rehearsal.window.get("tokens")
    rows = []
    for row, loss in enumerate(rehearsal.row_losses()):
        distinct = 0.0
        if tokens is not None and tokens[row].numel():
            distinct = len(tokens[row].unique()) / tokens[row].numel()
        shown = loss if math.isfinite(loss) else str(loss)
        rows.append({"row": row, "loss": shown, "distinct_frac": round(distinct, 4)})
    return rows


def _batch_text(
    rows: Sequence[Mapping[str, Any]],
    window: Mapping[str, Tensor],
    decode: Decode | None,
) -> str:
    """The rows of a batch to read: what is not finite first, then by falling loss."""
    tokens = window.get("tokens")
    if tokens is None:
        return "this batch holds no tokens; see batch.safetensors\n"

    def place(row: Mapping[str, Any]) -> float:
        return -row["loss"] if isinstance(row["loss"], float) else -math.inf

    parts = []
    for row in sorted(rows, key=place):
        parts.append(f"--- row {row['row']} · loss {_short(row['loss'])}")
        for ids in tokens[row["row"]].reshape(-1, tokens.shape[-1]).tolist():
            parts.append(decode(ids) if decode else " ".join(map(str, ids)))
    return "\n".join(parts) + "\n"


def _short(loss: float | str) -> str:
    return f"{loss:.3f}" if isinstance(loss, float) else loss


def _folder_name(event: StepEvent) -> str:
    name = f"step_{event.step + 1:06d}"
    if event.batch_index != event.step:
        name += f"_batch_{event.batch_index:06d}"
    return name if count_processes() == 1 else f"{name}_process_{process_rank()}"


def _json_value(value: Any) -> Any:
    """Numbers that JSON cannot hold become words: "nan", "inf", "-inf"."""
    if isinstance(value, dict):
        return {name: _json_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_json_value(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
