"""What an event of the guard probably means, in words, and what to do about it.

A pure function of the facts that the black box wrote down. Imports no torch.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

EVIDENT_SHARE = 0.75
"""Share of an excess that makes what bears it the cause."""
FEW_ROWS_FRAC = 0.25
"""At most this share of the rows is "a few rows"."""
FEW_DISTINCT_FRAC = 0.1
"""A row with fewer distinct tokens than this repeats itself."""
TRANSIENT = (
    "It did not come again when the same step was repeated: the cause is not in these "
    "data and these weights. A fault of the machine (memory, overclocking, heat), or a "
    "kernel that does not repeat itself; if it happens more often, test the memory."
)
LARGEST_NUMBERS = {"float16": 65_504.0, "bfloat16": 3.4e38, "float32": 3.4e38}


def explain_event(event: Mapping[str, Any]) -> list[str]:
    """Sentences about an event, the most telling first.

    Args:
        event: what `event.json` holds: kind, fault, rows, parameters, dtype …
    """
    if str(event["kind"]).startswith("non_finite"):
        return list(_not_finite(event))
    return list(_spike(event))


def _not_finite(event: Mapping[str, Any]) -> Iterator[str]:
    fault = event["fault"]
    if fault is None:
        yield from _transient(event)
        return
    where, count = fault["where"] or "the model", _count(fault)
    if fault["stage"] == "batch":
        yield f"The batch itself holds {count} in `{where}`: the data are damaged."
    elif fault["stage"] == "weights" and _master_is_sound(event, fault["where"]):
        yield (
            f"{where} has grown beyond what {event['dtype']} can hold: {count} in the "
            "copy that computes. Lower the learning rate, or train in bfloat16."
        )
    elif fault["stage"] == "weights":
        yield (
            f"The weights were damaged before this step: {where} holds {count}. Only "
            "an earlier checkpoint helps; if it comes again, suspect the memory."
        )
    elif fault["stage"] == "forward":
        yield from _forward(event, fault, where, count)
    elif fault["stage"] == "loss":
        yield (
            "All modules gave finite numbers and the loss did not: the logits were "
            "too large for their softmax, or a target has probability 0. A lower "
            "learning rate of the head, or a soft-cap on the logits, holds them down."
        )
    else:
        yield (
            f"The forward pass was finite; on the way back the gradient at {where} was "
            f"the first with {count}: a product of large factors overflowed there, or "
            "a root or a division had a zero under it."
        )
    yield from _which_rows(event)


def _forward(
    event: Mapping[str, Any], fault: Mapping[str, Any], where: str, count: str
) -> Iterator[str]:
    yield f"{where} was the first module whose output was not finite: {count}."
    largest, dtype = fault["largest_input"], event["dtype"]
    limit = LARGEST_NUMBERS.get(dtype, 3.4e38)
    if largest is None:
        yield "It was given ids alone: look at its weights below, and at the machine."
    elif math.isinf(largest):
        inside = where.rpartition(".")[0] or "the model"
        yield (
            f"What it was given was not finite already: that was computed just before "
            f"it, within {inside}, by an activation or a product that overflowed."
        )
    elif largest > limit**0.5:
        yield (
            f"Its input reached {largest:.3g}, and {dtype} ends at {limit:.3g}: an "
            "overflow. Activations that grow so large mean a learning rate that is "
            "too high, or a missing norm"
            + ("; bfloat16 has the range of float32." if dtype == "float16" else ".")
        )
    else:
        yield (
            f"Its input was harmless (at most {largest:.3g}): look at what the module "
            "itself computes, at its weights below, and at the machine."
        )


def _master_is_sound(event: Mapping[str, Any], name: str) -> bool:
    row = event["parameters"].get(name)
    return row is not None and row["n_weights_not_finite"] == 0


def _transient(event: Mapping[str, Any]) -> Iterator[str]:
    largest = max(
        (row["grad_norm"] or 0.0 for row in event["parameters"].values()), default=0.0
    )
    if event["kind"] == "non_finite_gradient" and largest > 1e18:
        yield (
            f"Every gradient is finite but so large (up to {largest:.3g}) that the sum "
            "of their squares overflows: the model diverges; lower the learning rate."
        )
        return
    yield TRANSIENT


def _which_rows(event: Mapping[str, Any]) -> Iterator[str]:
    rows = event["rows"]
    bad = [row["row"] for row in rows if not isinstance(row["loss"], float)]
    if bad and len(bad) < len(rows):
        yield f"Alone, {_names(bad)} of {len(rows)} gave no finite loss; the rest did."
    elif bad:
        yield "Each row alone gave no finite loss: it is the model, not the data."


def _spike(event: Mapping[str, Any]) -> Iterator[str]:
    rows = [row for row in event["rows"] if isinstance(row["loss"], float)]
    if event["kind"] == "loss_spike" and _has_gone(rows, event):
        yield TRANSIENT
        return
    heavy = _heavy_rows(rows, event["usual_loss"])
    if event["kind"] == "loss_spike" and heavy:
        yield (
            f"The data: {_names([row['row'] for row in heavy])} of {len(rows)} "
            f"{'bears' if len(heavy) == 1 else 'bear'} the excess (loss "
            f"{heavy[0]['loss']:.2f}, median row "
            f"{median(row['loss'] for row in rows):.2f}). Look at the text; passing "
            "over it is enough."
        )
    elif event["kind"] == "loss_spike":
        yield (
            "All rows are high alike: the model rather than the data. A learning rate "
            "that is too high, or too short a warm-up, if it comes again."
        )
    for row in heavy or rows:
        if 0 < row["distinct_frac"] < FEW_DISTINCT_FRAC:
            yield (
                f"Row {row['row']} repeats few tokens: {row['distinct_frac']:.1%} of "
                "its tokens are different ones."
            )
    yield from _heavy_layer(event)


def _has_gone(rows: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    """Are the rows, repeated, nearer to the usual loss than to the spike?"""
    again = sum(row["loss"] for row in rows) / max(len(rows), 1)
    return bool(
        again - event["usual_loss"] < 0.5 * (event["loss"] - event["usual_loss"])
    )


def _heavy_layer(event: Mapping[str, Any]) -> Iterator[str]:
    squares = {
        name: (row["grad_norm"] or 0.0) ** 2
        for name, row in event["parameters"].items()
    }
    total = sum(squares.values())
    if not total:
        return
    name = max(squares, key=lambda key: squares[key])
    share = squares[name] / total
    if share > EVIDENT_SHARE:
        yield f"{name} alone has {share:.0%} of the squared gradient norm."
    elif event["kind"] == "gradient_spike":
        yield (
            f"The gradient is large all over (most, {share:.0%} of its square, in "
            f"{name}): a step that clipping would have scaled down, if it is rare."
        )


def _heavy_rows(
    rows: Sequence[Mapping[str, Any]], usual: float | None
) -> list[Mapping[str, Any]]:
    """The few rows that bear most of the excess over the usual loss, worst first."""
    if not rows or usual is None:
        return []
    worst = sorted(rows, key=lambda row: -row["loss"])
    few = worst[: max(1, int(FEW_ROWS_FRAC * len(rows)))]
    excess = sum(max(0.0, row["loss"] - usual) for row in rows)
    borne = 0.0
    for n, row in enumerate(few, start=1):
        borne += max(0.0, row["loss"] - usual)
        if len(rows) > 1 and excess > 0 and borne / excess >= EVIDENT_SHARE:
            return worst[:n]
    return []


def _count(fault: Mapping[str, Any]) -> str:
    parts = [
        f"{fault[key]:,} {word}"
        for key, word in (("n_nan", "NaN"), ("n_inf", "infinite"))
        if fault[key]
    ]
    return f"{' and '.join(parts)} of {fault['n_numbers']:,} numbers"


def _names(rows: Sequence[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:8]) + (" …" if len(rows) > 8 else "")
    return f"row {shown}" if len(rows) == 1 else f"rows {shown}"
