"""The report's chapters on the chat model: SFT, DPO, and the questions it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scratchlm.base.page import (
    details,
    esc,
    facts,
    figure,
    heading,
    interval,
    number,
    paragraph,
    section,
    table,
    tree,
)
from scratchlm.base.svg import Reference, Row, dot_plot
from scratchlm.base.units import format_duration
from scratchlm.pipeline.report_files import RunFiles
from scratchlm.pipeline.report_training import loss_figure

KIND_NAMES = {
    "asked": "asked in training",
    "unasked": "never asked, module read",
    "heldout": "module never read",
    "given": "own chat file",
}
PAIR_NAMES = {
    "hard": "hard: a neighbour's answer",
    "truncated": "truncated answer",
    "off_topic": "off-topic answer",
    "given": "own preferences",
}


def finetune_section(run: RunFiles) -> str:
    """How the base model became one that answers."""
    return _stage_section(
        run,
        "finetune",
        "Fine-tuning: from model to chatbot",
        "Fine-tuning loss",
        "nats a token",
    )


def align_section(run: RunFiles) -> str:
    """How preferences changed it: accuracy on held-out pairs before and after."""
    files = run.stage_files("align") | run.stage_files("evaluate_chat")
    accuracy = next(filter(None, map(find_accuracy, files.values())), {})
    return _stage_section(
        run,
        "align",
        "Preferences: which of two answers is better",
        "Preference loss",
        "nats a pair",
        accuracy_figure(accuracy) if accuracy else "",
    )


def chat_section(run: RunFiles) -> str:
    """The questions of each kind, the straw men, and the answers themselves."""
    result = run.evaluation("evaluate_chat")
    kinds = result.get("kinds")
    if not isinstance(kinds, Mapping) or not kinds:
        state = paragraph(f"Evaluation: {run.state('evaluate_chat')}.")
        return section("chat", "The chat model's answers", state)
    return section(
        "chat",
        "The chat model's answers",
        paragraph(
            "Each question was answered greedily and compared with the reference by "
            "token F1 (shared words). Two straw men know nothing of the question: the "
            "best single answer given to every question, and the model's own answers "
            "dealt to other questions."
        ),
        f1_figure(kinds),
        _kind_table(kinds),
        _change_table(result.get("change")),
        *(_examples(kind, judged) for kind, judged in kinds.items()),
    )


def f1_figure(kinds: Mapping[str, Any]) -> str:
    """Token F1 by kind, beside both straw men."""
    rows: list[Row] = []
    for kind, judged in kinds.items():
        f1 = judged.get("f1") or {}
        rows += [
            Row(KIND_NAMES.get(kind, kind), None, heading=True),
            Row("model", f1.get("value"), f1.get("low"), f1.get("high")),
            Row("one constant", (judged.get("constant") or {}).get("f1"), colour=1),
            Row("own, shuffled", judged.get("shuffled_f1"), colour=3),
        ]
    title = f1_title(kinds)
    return figure(title, dot_plot(title, rows, x_label="mean token F1"))


def f1_title(kinds: Mapping[str, Any]) -> str:
    """Names the kinds in which the model is above both straw men by the interval."""
    above = [
        KIND_NAMES.get(kind, kind)
        for kind, judged in kinds.items()
        if _is_above(judged.get("over_constant"))
        and _is_above(judged.get("over_shuffled"))
    ]
    if len(above) == len(kinds):
        return (
            "The answers fit their questions better than both straw men, in each kind"
        )
    if not above:
        return "In no kind of question do the answers beat both straw men"
    return f"The answers beat both straw men on questions: {'; '.join(above)}"


def find_accuracy(value: Any) -> dict[str, Mapping[str, Any]]:
    """The mapping kind → {before_frac, after_frac, change_frac}, wherever it stands."""
    if not isinstance(value, Mapping):
        return {}
    if value and all(
        isinstance(inner, Mapping) and "after_frac" in inner for inner in value.values()
    ):
        return dict(value)
    for inner in value.values():
        found = find_accuracy(inner)
        if found:
            return found
    return {}


def accuracy_figure(accuracy: Mapping[str, Mapping[str, Any]]) -> str:
    """Preference accuracy before and after, with the paired change as a table."""
    rows: list[Row] = []
    for kind, values in accuracy.items():
        rows.append(Row(PAIR_NAMES.get(kind, kind), None, heading=True))
        for name, key, colour in (
            ("before", "before_frac", 1),
            ("after", "after_frac", 0),
        ):
            found = values.get(key) or {}
            bounds = (found.get("value"), found.get("low"), found.get("high"))
            rows.append(Row(name, *bounds, colour=colour))
    title = accuracy_title(accuracy)
    changes = [
        [
            PAIR_NAMES.get(kind, kind),
            values.get("n_pairs"),
            interval(values.get("change_frac")),
            bool(values.get("excludes_zero")),
        ]
        for kind, values in accuracy.items()
    ]
    return figure(
        title,
        dot_plot(
            title,
            rows,
            x_label="share of pairs with the right answer ahead",
            high=1.0,
            references=[Reference(0.5, "chance")],
        ),
        table(
            ["kind of pair", "pairs", "change (95 % interval)", "excludes zero"],
            changes,
            "After minus before, on the same pairs",
        ),
    )


def accuracy_title(accuracy: Mapping[str, Mapping[str, Any]]) -> str:
    """Says in how many kinds the accuracy rose, and by more than its interval."""
    changes = [values.get("change_frac") or {} for values in accuracy.values()]
    rose = sum((change.get("value") or 0) > 0 for change in changes)
    sure = sum((change.get("low") or 0) > 0 for change in changes)
    return (
        f"Preference training raised the accuracy in {rose} of {len(accuracy)} kinds "
        f"of pairs, in {sure} by more than the interval"
    )


def _stage_section(
    run: RunFiles, stage: str, title: str, name: str, unit: str, *more: str
) -> str:
    if run.state(stage) == "not run yet":
        return section(stage, title, paragraph("Not run yet."))
    key = run.find_metric(stage, "dpo_loss") or run.find_metric(stage, "loss")
    steps, losses = run.series(key, stage) if key else ([], [])
    time = run.times.get(stage)
    files = run.stage_files(stage)
    return section(
        stage,
        title,
        facts(
            [
                ("state", run.state(stage)),
                ("steps", f"{len(steps):,}" if steps else None),
                ("time", format_duration(time.wall_s) if time else None),
            ]
        ),
        loss_figure(steps, losses, name, unit) if steps else "",
        *more,
        details("What this stage's files say", tree(files)) if files else "",
    )


def _kind_table(kinds: Mapping[str, Any]) -> str:
    rows = [
        [
            KIND_NAMES.get(kind, kind),
            judged.get("n"),
            interval(judged.get("f1")),
            interval(judged.get("over_constant")),
            interval(judged.get("over_shuffled")),
            _percent(judged.get("stop_frac")),
            _percent(judged.get("distinct_frac")),
        ]
        for kind, judged in kinds.items()
    ]
    return table(
        [
            "questions",
            "number",
            "token F1",
            "above the best constant",
            "above its own shuffled",
            "stop by themselves",
            "distinct",
        ],
        rows,
        "95 % intervals in brackets; the two differences are paired by question",
    ) + "".join(_constant(kind, judged) for kind, judged in kinds.items())


def _constant(kind: str, judged: Mapping[str, Any]) -> str:
    constant = judged.get("constant") or {}
    if "answer" not in constant:
        return ""
    return paragraph(
        f"Best constant answer ({KIND_NAMES.get(kind, kind)}, from the "
        f"{constant.get('chosen_from')}): {constant['answer']}",
        faint=True,
    )


def _change_table(change: Any) -> str:
    if not isinstance(change, Mapping) or not change:
        return ""
    return heading("What preference training did to the answers") + table(
        ["questions", "change of token F1 (95 % interval)"],
        [
            [KIND_NAMES.get(kind, kind), interval(value)]
            for kind, value in change.items()
        ],
        "After minus before, on the same questions",
    )


def _examples(kind: str, judged: Mapping[str, Any]) -> str:
    groups = judged.get("examples")
    if not isinstance(groups, Mapping):
        return ""
    parts = [heading(f"Questions: {KIND_NAMES.get(kind, kind)}")]
    for name in ("best", "median", "worst"):
        rows = groups.get(name) or []
        quotes = "".join(_quote(row) for row in rows)
        parts.append(details(f"{name} ({len(rows)})", quotes) if rows else "")
    return "".join(parts)


def _quote(row: Mapping[str, Any]) -> str:
    lines: Sequence[tuple[str, Any]] = (
        ("question", row.get("question")),
        ("answer", row.get("answer") or "(nothing)"),
        ("reference", row.get("reference")),
    )
    inner = "".join(
        f'<p><span class="faint">{name}</span> {esc(text)}</p>' for name, text in lines
    )
    score = f'<p class="faint">token F1 {number(row.get("f1"), 2)}</p>'
    return f"<blockquote>{inner}{score}</blockquote>"


def _is_above(difference: Any) -> bool:
    return isinstance(difference, Mapping) and (difference.get("low") or 0) > 0


def _percent(value: Any) -> str | None:
    return f"{100 * value:.0f} %" if isinstance(value, int | float) else None
