"""The report's chapter on steps that the guard did not accept, each with its cause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from scratchlm.base.page import code, details, facts, heading, paragraph, section, table
from scratchlm.pipeline.report_files import RunFiles, is_number

TRAINED_STAGES = ("train", "finetune", "align")
MOST_SHOWN = 12
"""Events that are told in full; all are in the table."""
TEXT_CHARACTERS = 1_500

KINDS = {
    "non_finite_loss": "loss not finite",
    "non_finite_gradient": "gradient not finite",
    "loss_spike": "loss spike",
    "gradient_spike": "gradient spike",
}
ANSWERS = {
    "skip": "dropped the step; the weights stayed as they were",
    "rollback": "went back to the last checkpoint, passed over the data since",
    "cut_lr": "dropped the step and lowered the learning rates",
    "stop": "stopped the run",
}


def events_section(run: RunFiles) -> str:
    """Every event: what was seen, why, its text and norms, and what was done."""
    title = "Steps that were not accepted"
    events = [
        (stage, folder, run.json(f"{stage}/events/{folder}/event.json"))
        for stage in TRAINED_STAGES
        for folder in _folders(run, stage)
    ]
    events = [found for found in events if found[2]]
    if not events:
        return section("events", title, paragraph(_nothing(run)))
    intro = (
        f"{_count(len(events))} not let through to the weights: before an update, the "
        "loss and the gradient norm are held against the last accepted steps."
    )
    stories = [_story(run, *found) for found in events[:MOST_SHOWN]]
    if len(events) > MOST_SHOWN:
        rest = len(events) - MOST_SHOWN
        stories.append(paragraph(f"{rest} more are in the run's events folders.", True))
    return section("events", title, paragraph(intro), _overview(events), *stories)


def _nothing(run: RunFiles) -> str:
    if all(run.state(stage) == "not run yet" for stage in TRAINED_STAGES):
        return "Nothing was trained yet."
    return "None: every loss was finite and no step stood out from those before it."


def _count(n_events: int) -> str:
    return "One step was" if n_events == 1 else f"{n_events} steps were"


def _folders(run: RunFiles, stage: str) -> list[str]:
    folder = run.directory / stage / "events"
    return sorted(path.name for path in folder.glob("step_*"))


def _overview(events: list[tuple[str, str, dict[str, Any]]]) -> str:
    rows = [
        [
            stage,
            event.get("step"),
            KINDS.get(str(event.get("kind")), event.get("kind")),
            event.get("loss"),
            event.get("grad_norm"),
            (event.get("fault") or {}).get("where"),
            event.get("action"),
        ]
        for stage, _, event in events
    ]
    headers = ["stage", "step", "what", "loss", "gradient norm", "first bad", "answer"]
    return table(headers, rows, "Events", right=(1, 3, 4))


def _story(run: RunFiles, stage: str, folder: str, event: Mapping[str, Any]) -> str:
    kind = KINDS.get(str(event.get("kind")), str(event.get("kind")))
    parts = [heading(f"{stage}, step {event.get('step')}: {kind}")]
    parts += [paragraph(str(line)) for line in event.get("explanation", [])]
    parts.append(
        facts(
            [
                ("loss", event.get("loss")),
                ("usual loss", event.get("usual_loss")),
                ("gradient norm", event.get("grad_norm")),
                ("usual gradient norm", event.get("usual_grad_norm")),
                ("first not finite", _fault_words(event.get("fault"))),
                ("what was done", ANSWERS.get(str(event.get("action")))),
                ("learning rates now", _scale_words(event.get("lr_scale"))),
            ]
        )
    )
    parts.append(
        details("The batch as text, the worst row first", _text(run, stage, folder))
    )
    parts.append(details("Norms by layer", _norms_table(event.get("parameters") or {})))
    return "".join(parts)


def _fault_words(fault: Mapping[str, Any] | None) -> str | None:
    if not fault:
        return None
    what = {
        "batch": "the batch's",
        "weights": "the weight",
        "forward": "the output of",
        "loss": "the",
        "backward": "the gradient of",
    }.get(str(fault.get("stage")), "")
    where = fault.get("where") or "the model"
    of = fault.get("n_numbers", 0)
    return (
        f"{what} {where}: {fault.get('n_nan', 0):,} NaN and "
        f"{fault.get('n_inf', 0):,} infinite of {of:,}"
    )


def _scale_words(scale: Any) -> str | None:
    return f"{scale:.3g} of the schedule's" if is_number(scale) and scale != 1 else None


def _text(run: RunFiles, stage: str, folder: str) -> str:
    path = run.directory / stage / "events" / folder / "batch.txt"
    if not path.is_file():
        return paragraph("No text was kept.")
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(TEXT_CHARACTERS + 1)
    return code(text[:TEXT_CHARACTERS] + (" …" if len(text) > TEXT_CHARACTERS else ""))


def _norms_table(parameters: Mapping[str, Mapping[str, Any]]) -> str:
    layers: dict[str, list[Mapping[str, Any]]] = {}
    for name, row in parameters.items():
        words = name.split(".")
        layer = ".".join(words[:2]) if words[0] == "layers" else words[0]
        layers.setdefault(layer, []).append(row)
    rows = [
        [
            layer,
            _together(members, "weight_norm"),
            _together(members, "grad_norm"),
            sum(row.get("n_weights_not_finite") or 0 for row in members),
            sum(row.get("n_grads_not_finite") or 0 for row in members),
        ]
        for layer, members in sorted(layers.items(), key=lambda item: _place(item[0]))
    ]
    headers = ["layer", "weights", "gradients", "bad weights", "bad gradients"]
    return table(headers, rows, "Euclidean norms; bad: not finite", right=(1, 2, 3, 4))


def _together(rows: list[Mapping[str, Any]], key: str) -> float | str | None:
    """Norm of several tensors at once; what is not finite stays a word."""
    values = [row.get(key) for row in rows]
    words = [value for value in values if isinstance(value, str)]
    if words:
        return words[0]
    numbers = [float(value) for value in values if is_number(value)]
    return math.hypot(*numbers) if numbers else None


def _place(layer: str) -> tuple[int, int, str]:
    """Embeddings, then layers by number, then what comes after them."""
    if layer.startswith("layers."):
        return 1, int(layer.split(".")[1]), ""
    return (0 if layer.startswith("embed") else 2), 0, layer
