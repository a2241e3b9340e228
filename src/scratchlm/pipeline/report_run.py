"""The report's frame: the run at a glance, what was odd, receipts, how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from scratchlm.base.page import (
    code,
    details,
    esc,
    facts,
    interval,
    paragraph,
    section,
    table,
    tree,
)
from scratchlm.base.units import format_duration
from scratchlm.pipeline.report_export import find_quantization
from scratchlm.pipeline.report_files import RunFiles, dig
from scratchlm.pipeline.stages import STAGE_NAMES

MANY_SPIKES = 3.0  # a loss so many times its neighbour's is worth a line


def glance_section(run: RunFiles) -> str:
    """The run in one table."""
    done = [stage for stage in STAGE_NAMES if run.state(stage) == "done"]
    total_s = sum(time.wall_s for time in run.times.values())
    return section(
        "glance",
        "At a glance",
        paragraph(str(run.recipe.get("title", ""))) if run.recipe.get("title") else "",
        facts(
            [
                ("stages done", f"{len(done)} of {len(STAGE_NAMES)}"),
                ("time in all", format_duration(total_s) if total_s else None),
                *_results(run),
            ]
        ),
    )


def choices_section(run: RunFiles) -> str:
    """The numbers that were derived from machine, minutes and text, with reasons."""
    reasons = run.dial.get("reasons")
    parts = []
    if isinstance(reasons, Mapping) and reasons:
        rows = [
            [key, _shown(dig(run.recipe, *str(key).split("."))), reason]
            for key, reason in reasons.items()
        ]
        parts.append(
            table(["setting", "value", "reason"], rows, "Derived, then frozen")
        )
    notes = run.dial.get("notes")
    parts += [paragraph(str(note)) for note in notes or [] if isinstance(notes, list)]
    rest = {k: v for k, v in run.dial.items() if k not in ("reasons", "notes")}
    if rest:
        parts.append(details("What was measured of machine and text", tree(rest)))
    if not parts:
        parts = [paragraph("Nothing was derived: the recipe says everything itself.")]
    return section("choices", "Choices: what this machine and text allowed", *parts)


def oddities_section(run: RunFiles) -> str:
    """What a careful reader would want to know that no figure shows."""
    found = list(_oddities(run))
    if not found:
        return section("odd", "What was odd", paragraph("Nothing that was looked for."))
    items = "".join(f"<li>{esc(line)}</li>" for line in found)
    return section("odd", "What was odd", f"<ul>{items}</ul>")


def receipts_section(run: RunFiles) -> str:
    """Every stage: its state, time, attempts, key, inputs and outputs."""
    rows, papers = [], []
    for stage in STAGE_NAMES:
        marker, time = run.markers[stage], run.times.get(stage)
        rows.append(
            [
                stage,
                run.state(stage),
                format_duration(time.wall_s) if time else None,
                time.attempts if time else None,
                marker.summary if marker else None,
            ]
        )
        if marker is not None:
            inputs = facts([("key", marker.key), *marker.inputs.items()])
            files = table(["file", "sha256"], marker.outputs.items(), "Artefacts")
            papers.append(details(f"{stage}: key, inputs, artefacts", inputs + files))
    return section(
        "receipts",
        "Receipts",
        table(["stage", "state", "time", "attempts", "what came out"], rows, "Stages"),
        *papers,
    )


def environment_section(run: RunFiles) -> str:
    """The machine and the packages, and the command that repeats the run."""
    manifest = run.manifest
    again = shlex.quote(f"{run.directory.as_posix()}/recipe.toml")
    rest = {
        name: manifest[name]
        for name in ("inputs", "seeds", "packages")
        if name in manifest
    }
    return section(
        "repeat",
        "How to repeat it",
        paragraph("The recipe below leaves nothing open; running it repeats the run."),
        code(f"scratchlm run {again}"),
        paragraph("It was started with:") if manifest.get("command") else "",
        code(str(manifest["command"])) if manifest.get("command") else "",
        facts(
            [
                ("ScratchLM", manifest.get("scratchlm")),
                ("commit", manifest.get("commit")),
                ("Python", manifest.get("python")),
                *(dig(manifest, "machine") or {}).items(),
            ]
        ),
        details("Inputs, seeds, packages", tree(rest)) if rest else "",
        details("The resolved recipe", code(run.recipe_text))
        if run.recipe_text
        else paragraph("The recipe is not frozen yet."),
    )


def _results(run: RunFiles) -> Iterator[tuple[str, Any]]:
    base, chat = run.evaluation("evaluate_base"), run.evaluation("evaluate_chat")
    if base.get("bits_per_byte"):
        yield "bits per byte, base model", interval(base["bits_per_byte"])
    packed = base.get("compression") or {}
    if packed:
        yield "xz -9e, each file alone", _three(packed.get("per_file_bits_per_byte"))
        yield "xz -9e, one archive", _three(packed.get("archive_bits_per_byte"))
    if chat.get("bits_per_byte"):
        yield "bits per byte, chat model", interval(chat["bits_per_byte"])
    for kind, judged in (chat.get("kinds") or {}).items():
        constant = _three(dig(judged, "constant", "f1"))
        yield (
            f"token F1, {kind}",
            f"{interval(judged.get('f1'))}; best constant {constant}",
        )
    compared = find_quantization(run)
    if compared:
        smaller = dig(run.json("quantize/receipt.json"), "file_bytes", "ratio")
        more = 100 * (compared["ratio"] - 1)
        yield "four bits", f"{smaller} times smaller, {more:+.2f} % bits per byte"


def _three(value: Any) -> str | None:
    return f"{value:.3f}" if isinstance(value, int | float) else None


def _oddities(run: RunFiles) -> Iterator[str]:
    for stage, time in run.times.items():
        if time.attempts > 1:
            yield f"{stage} was interrupted and continued: {time.attempts} attempts"
    steps, losses = run.series("train/loss", "train")
    jumps = [
        step
        for step, before, after in zip(steps[1:], losses, losses[1:], strict=False)
        if before > 0 and after > MANY_SPIKES * before
    ]
    if jumps:
        yield f"the training loss jumped at {len(jumps)} steps, first at {jumps[0]}"
    for stage, count in run.count_not_finite().items():
        yield f"{count} metrics of {stage} are not finite; no figure shows them"
    yield from _odd_answers(run)
    for name, entry in (run.json("export/receipt.json").get("formats") or {}).items():
        if isinstance(entry, Mapping) and not entry.get("written"):
            yield f"export to {name} was refused: {entry.get('reason')}"
    yield from dict.fromkeys(run.problems)


def _odd_answers(run: RunFiles) -> Iterator[str]:
    chat = run.evaluation("evaluate_chat")
    if chat.get("n_too_long"):
        yield f"{chat['n_too_long']} questions were too long for the context"
    for kind, judged in (chat.get("kinds") or {}).items():
        if (judged.get("stop_frac") or 0) < 0.95:
            yield f"questions {kind}: many answers did not stop by themselves"
        if (judged.get("distinct_frac") or 0) < 0.5:
            yield f"questions {kind}: fewer than half of the answers are distinct"
    for kind, change in (chat.get("change") or {}).items():
        if (dig(change, "high") or 0) < 0:
            yield f"questions {kind}: preference training lowered the token F1"


def _shown(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
