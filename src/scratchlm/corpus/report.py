"""The receipt of a corpus as a page: what went in, what was left out, and why.

One file, no network: a stream that narrows at every step that took something, tables
by step and by source, sampled examples of what was left out or cut, true similarities
of what was removed, evaluation items, the mix.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.page import (
    details,
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
from scratchlm.base.units import format_bytes
from scratchlm.corpus.report_result import ITEMS, MIX, RESULT, show_items, show_mix

Receipt = Mapping[str, Any]
EXAMPLES = 8
MEASURED = {"near_duplicates": "true Jaccard similarity"}
DRAWN = {"steps", "train", "heldout", ITEMS, RESULT, MIX}


def write_corpus_report(receipt: Receipt, path: Path) -> None:
    """Write the page of a receipt (see `corpus/receipt.json`)."""
    steps = receipt["steps"]
    documents = [step for step in steps if step["unit"] == "documents"]
    out = "".join(_left_out(step) for step in steps)
    parts = [
        ("flow", "What went in and what was left", _flow(documents, receipt)),
        ("steps", "Step by step", _step_table(steps)),
        ("sources", "Source by source", _sources(documents)),
        ("dropped", "What was left out, and why", out or _nothing()),
        ("alike", "How alike removed documents were", _alike(documents)),
        ("items", "Evaluation items in the text", show_items(receipt)),
        ("mix", "How often each source is written", show_mix(receipt)),
        ("rest", "Everything else on the receipt", _rest(receipt)),
    ]
    told = [(anchor, name, content) for anchor, name, content in parts if content]
    body = "\n".join(section(*part) for part in told)
    contents = [(anchor, name) for anchor, name, _ in told]
    write_text(path, page(_title(documents), contents, body))


def count(number: int, unit: str) -> str:
    """`count(1, "files") == "1 file"`, `count(1200, "files") == "1,200 files"`."""
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}"


def _title(steps: Sequence[Receipt]) -> str:
    if not steps or not steps[0]["bytes_in"]:
        return "A corpus of nothing"
    came, left = steps[0]["bytes_in"], steps[-1]["bytes_out"]
    return f"A corpus: {format_bytes(left)} of {format_bytes(came)} of text"


def _nothing() -> str:
    return paragraph("Nothing was left out.")


def _flow(steps: Sequence[Receipt], receipt: Receipt) -> str:
    names = sorted({name for step in steps for name in step["sources"]})
    if not steps or not names:
        return paragraph("No document was read.")
    moved = [step for step in steps if step["bytes_in"] != step["bytes_out"]]
    came = [(name, float(_bytes(steps[0], name, "bytes_in"))) for name in names]
    branches = [
        Branch(
            _name(step),
            tuple(float(_bytes(step, name, "bytes_out")) for name in names),
        )
        for step in moved
    ]
    title = _headline(steps)
    drawing = stream_chart(title, came, branches, format_bytes, gains=True)
    still = [_name(step) for step in steps if step not in moved]
    after = f"No text went at: {', '.join(still)}." if still else ""
    return paragraph(_story(receipt)) + figure(title, drawing) + paragraph(after, True)


def _headline(steps: Sequence[Receipt]) -> str:
    """What came through, and which step took most."""
    came, left = steps[0]["bytes_in"], steps[-1]["bytes_out"]
    took = {_name(step): step["bytes_in"] - step["bytes_out"] for step in steps}
    most = max(took, key=lambda name: took[name])
    title = f"{left / max(came, 1):.1%} of the text came through"
    if took[most] <= 0:
        return title
    return f"{title}; “{most}” took most, {format_bytes(took[most])}"


def _story(receipt: Receipt) -> str:
    """What was read and what there is now, in one sentence."""
    steps = {step["step"]: step for step in receipt["steps"]}
    words = [
        count(steps[name]["in"], name) for name in ("files", "records") if name in steps
    ]
    sides = [
        f"{count(found['n_documents'], 'documents')} "
        f"({format_bytes(found['n_bytes'])}) {what}"
        for side, what in (("train", "to learn from"), ("heldout", "held out"))
        if (found := receipt.get(side))
    ]
    return f"{' with '.join(words) or 'What was read'} became {' and '.join(sides)}."


def _name(step: Receipt) -> str:
    name: str = step["step"].replace("_", " ")
    return name


def _bytes(step: Receipt, source: str, name: str) -> int:
    value: int = step["sources"].get(source, {}).get(name, 0)
    return value


def _step_table(steps: Iterable[Receipt]) -> str:
    headers = ["step", "in", "kept", "dropped", "failed", "changed", "left", "lost"]
    rows = [
        [
            _name(step),
            *(step[name] for name in ("in", "kept", "dropped", "failed", "changed")),
            format_bytes(step["bytes_out"]) if step["bytes_in"] else "–",
            _share(step["bytes_in"], step["bytes_out"]),
        ]
        for step in steps
        if step["in"]
    ]
    caption = "What every step did to documents, and reading to files and records"
    return table(headers, rows, caption, right=(6, 7))


def _share(came: int, left: int) -> str:
    return f"{1 - left / came:.2%}" if left < came else "–"


def _sources(steps: Sequence[Receipt]) -> str:
    """What became of each source; of a single one all has been said."""
    names = sorted({name for step in steps for name in step["sources"]})
    if len(names) < 2:
        return ""
    rows = []
    for name in names:
        first, last = (step["sources"].get(name, {}) for step in (steps[0], steps[-1]))
        came, left = first.get("bytes_in", 0), last.get("bytes_out", 0)
        rows.append(
            [
                *(name, first.get("in", 0), last.get("kept", 0)),
                *(format_bytes(came), format_bytes(left), _share(came, left)),
            ]
        )
    headers = ["source", "documents", "kept", "bytes", "left", "lost"]
    whole = table(headers, rows, "From the first step to the last", (3, 4, 5))
    return whole + details("Step by step", _sources_by_step(steps))


def _sources_by_step(steps: Sequence[Receipt]) -> str:
    rows = [
        [
            *(name, _name(step)),
            *(counts[key] for key in ("in", "kept", "dropped", "failed")),
            format_bytes(counts["bytes_out"]),
        ]
        for step in steps
        for name, counts in step["sources"].items()
        if counts["dropped"] or counts["failed"] or counts["changed"]
    ]
    rows.sort(key=lambda row: str(row[0]))
    headers = ["source", "step", "in", "kept", "dropped", "failed", "left"]
    return table(headers, rows, "Steps that changed something")


def _left_out(step: Receipt) -> str:
    """The reasons of a step, the most frequent first, and what it cut."""
    drops = sorted(
        step["reasons"].items(), key=lambda entry: (-entry[1]["count"], entry[0])
    )
    parts = [_reason(step, reason, drop) for reason, drop in drops]
    decided = step["notes"].get("decisions", {})
    parts += [
        _examples(f"{reason}: {count(decided[reason], 'cuts')}", some.values())
        for reason, some in sorted(step["notes"].get("cuts", {}).items())
    ]
    return "".join([heading(_name(step)), *parts]) if parts else ""


def _reason(step: Receipt, reason: str, drop: Receipt) -> str:
    size = format_bytes(drop["bytes"]) if drop["bytes"] else ""
    number = count(drop["count"], step["unit"])
    failed = ", could not be judged or read" if drop.get("failed") else ""
    summary = f"{reason}: {', '.join(filter(None, (number, size)))}{failed}"
    return _examples(summary, drop["examples"][:EXAMPLES])


def _examples(summary: str, examples: Iterable[Any]) -> str:
    """Something to open; columns that say nothing are left out."""
    rows = [_example(example) for example in examples]
    headers = ["which", "more", "begins"]
    told = [n for n in range(3) if n == 0 or any(row[n] for row in rows)]
    shown = [[row[n] for n in told] for row in rows]
    return details(summary, table([headers[n] for n in told], shown, "Examples"))


def _example(example: Any) -> list[str]:
    if not isinstance(example, Mapping):
        return [str(example), "", ""]
    more = " · ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in example.items()
        if name not in ("id", "excerpt")
    )
    return [str(example.get("id", "")), more, str(example.get("excerpt", ""))]


def _alike(steps: Sequence[Receipt]) -> str:
    """Histograms of the similarity that decided; "" where none was measured."""
    return "".join(
        _histogram(reason, counts, MEASURED[step["step"]])
        for step in steps
        if step["step"] in MEASURED
        for reason, counts in sorted(step["notes"].get("values", {}).items())
    )


def _histogram(reason: str, counts: Mapping[str, int], what: str) -> str:
    places = sorted((float(place), number) for place, number in counts.items())
    total = sum(number for _, number in places)
    xs = [place for place, _ in places for place in (place, place + 0.05)]
    ys = [float(number) for _, number in places for number in (number, number)]
    title = f"{count(total, 'documents')}: {reason}, {what} from {places[0][0]:.2f} up"
    drawing = chart(title, [Series(reason, xs, ys)], x_label=what, y_label="documents")
    rows = [[f"{place:.2f}", number] for place, number in places]
    listed = table(["from", "documents"], rows, title)
    return figure(title, drawing, details("As a table", listed))


def _rest(receipt: Receipt) -> str:
    """What no section drew, and what steps say beside their counts."""
    rest = {name: value for name, value in receipt.items() if name not in DRAWN}
    notes: dict[str, Any] = {}
    for step in receipt["steps"]:
        drawn = ("values", "decisions", "cuts")
        said = {name: v for name, v in step["notes"].items() if name not in drawn}
        notes |= {_name(step): said} if said else {}
    whole = {**rest, **({"notes of the steps": notes} if notes else {})}
    return tree(whole) if whole else ""
