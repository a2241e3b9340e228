"""The journey: from raw text to a chat model, and again in seconds.

    lock → corpus → calibrate → freeze the recipe → every other stage → report

What is up to date is skipped and said. What was interrupted continues. After the
recipe is frozen nothing depends on a clock.
"""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

from scratchlm import __version__
from scratchlm.base.atomic import remove_leftovers, write_json
from scratchlm.base.config import build_config
from scratchlm.base.metrics import read_metrics
from scratchlm.base.units import format_duration
from scratchlm.corpus import CorpusConfig
from scratchlm.pipeline.amend import check_amended
from scratchlm.pipeline.calibration import Calibration
from scratchlm.pipeline.closing import closing_lines
from scratchlm.pipeline.events import stage_times
from scratchlm.pipeline.facts import count_facts
from scratchlm.pipeline.freeze import check_draft, freeze, read_frozen
from scratchlm.pipeline.graph import DONE
from scratchlm.pipeline.inputs import count_input_bytes, hash_inputs
from scratchlm.pipeline.manifest import build_manifest
from scratchlm.pipeline.preflight import (
    check_needs,
    estimate_text_needs,
    estimate_training_needs,
)
from scratchlm.pipeline.recipe import Recipe
from scratchlm.pipeline.request import Request, save_request
from scratchlm.pipeline.stages import build_corpus_stage, build_stages
from scratchlm.pipeline.tune import tune
from scratchlm.pipeline.walk import WIDTH, Say, Walk, stage_lines
from scratchlm.train.identity import OnChange


def run_journey(
    request: Request,
    command: str = "",
    say: Say = print,
    on_change: OnChange = "refuse",
) -> Path:
    """Walk the whole way for one run; returns its directory.

    Args:
        request: which run, and the draft of its recipe (`make_request`).
        command: the command line, for the manifest.
        say: prints one line.
        on_change: what to do with checkpoints that were made under other conditions.

    Raises:
        UserError: a mistake in the draft, too little disk or memory, another process
            at work in this run, nothing usable in the text, or an interrupted training
            whose conditions have changed.
    """
    run = request.run
    check_draft(request.draft)
    with run.locked():
        remove_leftovers(run.path)
        if on_change == "refuse":
            check_amended(request)
        say(_opening(request))
        request = save_request(request, command)
        walk = Walk(run, say, on_change)
        inputs = _collect(request, walk)
        recipe = read_frozen(request) or _freeze(request, say)
        _write_manifest(request, recipe, inputs)
        stages = build_stages(recipe)
        if not all((run.stage(stage.name) / DONE).exists() for stage in stages):
            _check_room(request, recipe)
        for stage in stages:
            walk.advance(stage)
        _report(request, walk)
        for line in closing_lines(run, walk.made):
            say(line)
    return run.path


def _opening(request: Request) -> str:
    run = request.run
    if request.again:
        how = "as it was asked for before"
    elif request.amended:
        how = "amended: what this changes is made again"
    else:
        how = f"{request.draft.get('minutes', 10):g} min"
    recipe = request.recipe
    return f"ScratchLM {__version__} · {run.path} · recipe {recipe}, {how}"


def _collect(request: Request, walk: Walk) -> dict[str, str]:
    config = build_config(CorpusConfig, request.draft.get("corpus", {}), "corpus")
    inputs = hash_inputs(config)
    stage = build_corpus_stage(config, inputs)
    if not walk.is_up_to_date(stage):
        check_needs(estimate_text_needs(count_input_bytes(config)), request.run.path)
    walk.advance(stage)
    return inputs


def _freeze(request: Request, say: Say) -> Recipe:
    facts = count_facts(request.run.stage("corpus"))
    recipe, derived = freeze(request, facts, lambda: _calibrate(request, say), tune)
    for note in derived.notes:
        _say_all(say, stage_lines("", "note", note))
    for key, reason in derived.reasons.items():
        line = f"  {key} = {_show(recipe, key)}: {reason}"
        _say_all(say, textwrap.wrap(line, WIDTH, subsequent_indent=" " * 6))
    return recipe


def _say_all(say: Say, lines: list[str]) -> None:
    for line in lines:
        say(line)


def _calibrate(request: Request, say: Say) -> Calibration:
    from scratchlm.pipeline.calibrate import calibrate

    times = stage_times(read_metrics(request.run.metrics_path))
    corpus_s = times["corpus"].wall_s if "corpus" in times else 0.0
    begun = time.monotonic()
    found = calibrate(request.draft, corpus_s)
    took = format_duration(time.monotonic() - begun)
    _say_all(say, stage_lines("calibration", took, found.summary()))
    return found


def _show(recipe: Recipe, key: str) -> object:
    found: object = recipe
    for part in key.split("."):
        found = getattr(found, part)
    return f"{found:,}" if isinstance(found, int) and found >= 10_000 else found


def _write_manifest(request: Request, recipe: Recipe, inputs: dict[str, str]) -> None:
    parts, command = recipe.model_dump(mode="json"), " && ".join(request.commands)
    write_json(request.run.manifest_path, build_manifest(parts, inputs, command))


def _check_room(request: Request, recipe: Recipe) -> None:
    needs = estimate_training_needs(
        recipe.model, recipe.machine, recipe.train.micro_batch_size, 2
    )
    check_needs(needs, request.run.path, recipe.machine.device)


def _report(request: Request, walk: Walk) -> None:
    if walk.made or not request.run.report_path.exists():
        from scratchlm.pipeline.report import write_report

        write_report(request.run.path)
