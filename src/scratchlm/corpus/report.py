"""The receipt of a corpus as a page: what went in, what was left out, and why.

One file, no network: a stream that narrows at every step, tables by step and by
source, sampled examples of what was left out, true similarities of what was removed.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.page import (
    details,
    facts,
    figure,
    heading,
    page,
    paragraph,
    section,
    table,
    tree,
)
from scratchlm.base.svg import Series, chart
from scratchlm.base.svg_stream import Branch, stream_chart
from scratchlm.base.units import format_bytes, format_count

Receipt = Mapping[str, Any]
EXAMPLES = 8
SECTIONS = (
    ("flow", "What went in and what was left"),
    ("steps", "Step by step"),
    ("sources", "Source by source"),
    ("dropped", "What was left out, and why"),
    ("alike", "How alike removed documents were"),
    ("rest", "Everything else on the receipt"),
)


def write_corpus_report(receipt: Receipt, path: Path) -> None:
    """Write the page of a receipt (see `corpus/receipt.json`)."""
    title = "A corpus, from its sources to its shards"
    steps = [step for step in receipt["steps"] if step["unit"] == "documents"]
    bodies = (
        _flow(steps, receipt),
        table(*_step_table(receipt["steps"]), "What every step did"),
        _sources(steps),
        "".join(_reasons(step) for step in receipt["steps"]) or _nothing(),
        "".join(_similarities(step) for step in steps)
        or paragraph("No step compared documents with one another."),
        tree({name: value for name, value in receipt.items() if name != "steps"}),
    )
    body = "\n".join(
        section(anchor, name, content)
        for (anchor, name), content in zip(SECTIONS, bodies, strict=True)
    )
    write_text(path, page(title, SECTIONS, body))


def _nothing() -> str:
    return paragraph("Nothing was left out.")


def _flow(steps: Sequence[Receipt], receipt: Receipt) -> str:
    names = sorted({name for step in steps for name in step["sources"]})
    if not steps or not names:
        return paragraph("No document was read.")
    first = steps[0]
    came = [(name, float(_bytes(first, name, "bytes_in"))) for name in names]
    branches = [
        Branch(
            step["step"].replace("_", " "),
            tuple(float(_bytes(step, name, "bytes_out")) for name in names),
        )
        for step in steps
    ]
    total = sum(value for _, value in came)
    left = sum(branches[-1].left)
    title = (
        f"{format_bytes(left)} of {format_bytes(total)} of text "
        f"({left / max(total, 1):.1%}) came through {len(steps)} steps"
    )
    drawing = stream_chart(title, came, branches, format_bytes, gains=True)
    sides = [
        (
            side,
            f"{format_count(found['n_documents'])} documents, "
            f"{format_bytes(found['n_bytes'])}",
        )
        for side, found in ((side, receipt.get(side)) for side in ("train", "heldout"))
        if found
    ]
    return figure(title, drawing, facts(sides))


def _bytes(step: Receipt, source: str, name: str) -> int:
    value: int = step["sources"].get(source, {}).get(name, 0)
    return value


def _step_table(steps: Iterable[Receipt]) -> tuple[list[str], list[list[Any]]]:
    headers = ["step", "counted", "in", "kept", "dropped", "failed", "changed"]
    headers += ["bytes in", "bytes out", "share lost"]
    rows = [
        [
            step["step"],
            step["unit"],
            *(step[name] for name in ("in", "kept", "dropped", "failed", "changed")),
            format_bytes(step["bytes_in"]),
            format_bytes(step["bytes_out"]),
            _share(step["bytes_in"], step["bytes_out"]),
        ]
        for step in steps
    ]
    return headers, rows


def _share(came: int, left: int) -> str:
    return f"{max(0.0, 1 - left / came):.2%}" if came else "–"


def _sources(steps: Sequence[Receipt]) -> str:
    rows = [
        [
            name,
            step["step"],
            *(counts[key] for key in ("in", "kept", "dropped", "failed")),
            format_bytes(counts["bytes_in"]),
            format_bytes(counts["bytes_out"]),
        ]
        for step in steps
        for name, counts in step["sources"].items()
        if counts["dropped"] or counts["failed"] or counts["changed"]
    ]
    headers = ["source", "step", "in", "kept", "dropped", "failed"]
    headers += ["bytes in", "bytes out"]
    rows.sort(key=lambda row: str(row[0]))
    if not rows:
        return paragraph("No step changed anything.")
    return table(headers, rows, "Steps that changed something, by source")


def _reasons(step: Receipt) -> str:
    parts = []
    for reason, drop in step["reasons"].items():
        size = format_bytes(drop["bytes"]) if drop["bytes"] else ""
        failed = ", could not be judged or read" if drop.get("failed") else ""
        count = f"{drop['count']:,} {step['unit']}"
        summary = f"{reason}: {', '.join(filter(None, (count, size)))}{failed}"
        shown = [_example(example) for example in drop["examples"][:EXAMPLES]]
        rows = table(["which", "more", "begins"], shown, "Examples")
        parts.append(details(summary, rows))
    name = step["step"].replace("_", " ")
    return "".join([heading(name), *parts]) if parts else ""


def _example(example: Any) -> list[str]:
    if not isinstance(example, Mapping):
        return [str(example), "", ""]
    more = " · ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in example.items()
        if name not in ("id", "excerpt")
    )
    return [str(example.get("id", "")), more, str(example.get("excerpt", ""))]


def _similarities(step: Receipt) -> str:
    """A histogram of what decided, for each reason that measured something."""
    parts = []
    for reason, counts in step["notes"].get("values", {}).items():
        places = sorted((float(place), count) for place, count in counts.items())
        total = sum(count for _, count in places)
        xs = [place for place, _ in places for place in (place, place + 0.05)]
        ys = [float(count) for _, count in places for count in (count, count)]
        title = f"{total:,} × {reason}: from {places[0][0]:.2f} up"
        drawing = chart(
            title,
            [Series(reason, xs, ys)],
            x_label="value",
            y_label="decisions",
        )
        rows = [[f"{place:.2f}", count] for place, count in places]
        parts.append(
            figure(
                title,
                drawing,
                details("As a table", table(["from", "decisions"], rows, title)),
            )
        )
    return "".join(parts)
