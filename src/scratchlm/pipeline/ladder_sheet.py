"""A ladder as a page: the prediction, the law with its doubt, the rungs."""

from __future__ import annotations

from pathlib import Path

from scratchlm.base.atomic import write_json, write_text
from scratchlm.base.svg import Series, chart, standalone_svg
from scratchlm.base.units import format_count
from scratchlm.pipeline.ladder import Climbed, ladder_json
from scratchlm.pipeline.ladder_plan import LadderPlan, LadderRung
from scratchlm.tokenizer.sheet import Block, Drawing, Section, Sheet, Table, write_sheet


def write_ladder(climbed: Climbed, out: Path) -> Sheet:
    """Write `ladder.json`, `ladder.html` and `ladder.svg`."""
    sheet = ladder_sheet(climbed)
    write_json(out / "ladder.json", sheet.data)
    write_sheet(out / "ladder.html", sheet)
    write_text(out / "ladder.svg", standalone_svg(sheet.drawings[0].svg))
    return sheet


def ladder_sheet(climbed: Climbed) -> Sheet:
    """The findings of a ladder, its target trained or not."""
    found: tuple[Block, ...] = (
        _prediction_words(climbed),
        *_outcome_words(climbed),
        _drawing(climbed),
    )
    doubts: tuple[Block, ...] = (_law_words(climbed), *_backtests(climbed))
    return Sheet(
        _title(climbed),
        (
            Section("Prediction", found),
            Section("The law", doubts),
            Section("The rungs", (_rungs(climbed),)),
        ),
        ladder_json(climbed),
    )


def plan_table(plan: LadderPlan) -> Table:
    """What will be trained, and what each rung costs beside the target."""
    rows = tuple(
        (
            rung.label + (" (target)" if rung is plan.target else ""),
            format_count(rung.trials[0].model.n_parameters),
            format_count(rung.trials[0].train.total_tokens),
            f"{rung.trials[0].train.total_steps:,}",
            f"{len(rung.trials)}",
            f"{rung.flops:.2e}",
            f"{rung.flops * len(rung.trials) / plan.target.flops:.1%}",
        )
        for rung in (*plan.rungs, plan.target)
    )
    headers = ("shape", "parameters", "tokens", "steps", "seeds", "FLOP", "cost")
    return Table("Rungs", headers, rows, (1, 2, 3, 4, 5, 6))


def _title(climbed: Climbed) -> str:
    low, high = _bits(climbed, "low"), _bits(climbed, "high")
    if climbed.target is None or climbed.target.bits_per_byte is None:
        return (
            f"{climbed.plan.target.label} will reach {low:.3f} to {high:.3f} bits/byte"
        )
    where = "within" if climbed.within else "outside"
    return (
        f"{climbed.plan.target.label} reached {climbed.target.bits_per_byte:.3f} bits "
        f"per byte, {where} the {low:.3f} to {high:.3f} that were predicted"
    )


def _prediction_words(climbed: Climbed) -> str:
    plan = climbed.plan
    beyond = climbed.fit.forecast.flops / plan.rungs[-1].flops
    tokens = format_count(plan.target.trials[0].train.total_tokens)
    return (
        f"{plan.target.label} at {plan.tokens_per_parameter:.3g} tokens a weight "
        f"of blocks and head ({tokens} tokens, {climbed.fit.forecast.flops:.2e} FLOP, "
        f"{beyond:.1f} times the highest rung): {_bits(climbed, 'loss'):.4f} bits per "
        f"byte of held-out rows, 95 % interval {_bits(climbed, 'low'):.4f} to "
        f"{_bits(climbed, 'high'):.4f}."
    )


def _outcome_words(climbed: Climbed) -> list[str]:
    if climbed.target is None:
        return ["The target is not trained yet; --check trains and compares it."]
    found = climbed.target
    if found.loss is None or found.bits_per_byte is None:
        return [f"The target blew up: {found.failure}"]
    error = found.loss / climbed.fit.forecast.loss - 1
    when = "before" if climbed.predicted_first else "only after"
    where = "within" if climbed.within else "outside"
    return [
        f"Measured: {found.bits_per_byte:.4f}, {error:+.2%} from the prediction, "
        f"{where} its interval. The prediction was written {when} the target was "
        "trained."
    ]


def _law_words(climbed: Climbed) -> str:
    fit, factor = climbed.fit, climbed.bits_per_nat
    law = fit.law
    words = (
        f"bits per byte = {law.floor * factor:.3f} + {law.amplitude * factor:.3f} "
        f"(C / {law.reference_flops:.2e})^-{law.exponent:.3f}; exponent "
        f"{fit.exponent[0]:.3f} to {fit.exponent[1]:.3f}, floor "
        f"{fit.floor[0] * factor:.3f} to {fit.floor[1] * factor:.3f} (95 %: few rungs "
        "bound neither well, only what they say together). Losses scatter by "
        f"{fit.scatter_frac:.2%} around it."
    )
    if fit.widened > 1:
        words += (
            f" The interval is {fit.widened:.1f} times the bootstrap's: by so much a "
            "rung missed what those below it said."
        )
    return words


def _backtests(climbed: Climbed) -> list[Table]:
    """What the lower rungs would have said of the higher ones."""
    factor, plan = climbed.bits_per_nat, climbed.plan
    labels = [rung.label for rung in plan.rungs][-len(climbed.fit.backtests) :]
    rows = tuple(
        (
            label,
            f"{test.loss * factor:.4f}",
            f"{test.low * factor:.4f} to {test.high * factor:.4f}",
            f"{loss * factor:.4f}",
        )
        for label, (test, loss) in zip(labels, climbed.fit.backtests, strict=False)
    )
    headers = ("rung", "predicted", "95 % interval", "measured")
    table = Table("Each rung from those below it", headers, rows, (1, 2, 3))
    return [table] if rows else []


def _rungs(climbed: Climbed) -> Table:
    plan, factor = climbed.plan, climbed.bits_per_nat
    rows = [
        (
            rung.label,
            format_count(results[0].n_parameters),
            format_count(results[0].tokens),
            f"{rung.flops:.2e}",
            " ".join(f"{r.bits_per_byte:.4f}" for r in results if r.bits_per_byte),
            f"{climbed.fit.law.loss(rung.flops) * factor:.4f}",
        )
        for rung, results in zip(plan.rungs, climbed.results, strict=True)
    ]
    headers = ("shape", "parameters", "tokens", "FLOP", "bits/byte by seed", "law")
    return Table("Rungs", headers, tuple(rows), (1, 2, 3, 4, 5))


def _drawing(climbed: Climbed) -> Drawing:
    fit, factor = climbed.fit, climbed.bits_per_nat
    law = Series(
        "",
        [one.flops for one in fit.band],
        [one.loss * factor for one in fit.band],
        [one.low * factor for one in fit.band],
        [one.high * factor for one in fit.band],
        raw=False,
    )
    points = [
        Series("", [rung.flops], [result.bits_per_byte], raw=True)
        for rung, results in zip(climbed.plan.rungs, climbed.results, strict=True)
        for result in results
        if result.bits_per_byte is not None
    ]
    if climbed.target is not None and climbed.target.bits_per_byte is not None:
        measured = climbed.target.bits_per_byte
        label = f"measured {measured:.3f}"
        points.append(Series(label, [fit.forecast.flops], [measured], colour=1))
    drawing = chart(
        _title(climbed),
        [law, *points],
        x_label="training FLOP (logarithmic); the band is the 95 % interval",
        y_label="bits per byte of held-out rows",
        y_from_zero=False,
        x_log=True,
        x_ticks=[(rung.flops, f"{rung.flops:.0e}") for rung in _ticked(climbed)],
    )
    return Drawing(_title(climbed), drawing)


def _ticked(climbed: Climbed) -> list[LadderRung]:
    rungs = climbed.plan.rungs
    return [rungs[0], rungs[len(rungs) // 2], climbed.plan.target]


def _bits(climbed: Climbed, name: str) -> float:
    value: float = getattr(climbed.fit.forecast, name)
    return value * climbed.bits_per_nat
