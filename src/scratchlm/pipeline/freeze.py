"""Freeze a run: from a draft to `recipe.toml`, after which no clock plays a part.

`dial.json` keeps what the recipe was derived from. A draft that is amended later is
derived anew from the same measurements, so that only what was asked for changes. The
recipe is written last: while it is missing, the run is not frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchlm.base.atomic import read_json, write_json, write_text
from scratchlm.base.config import build_config, merge
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes, sha256_json
from scratchlm.base.sinks import check_sinks
from scratchlm.pipeline.calibration import NOMINAL, Calibration
from scratchlm.pipeline.dial import NOMINAL_FACTS, Derived, derive
from scratchlm.pipeline.facts import CorpusFacts
from scratchlm.pipeline.recipe import Recipe, check_said, dump_recipe, read_recipe
from scratchlm.pipeline.request import Request
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.tune import Tuning

Tune = Callable[[dict[str, Any], Recipe], Tuning]


def check_draft(draft: dict[str, Any]) -> bool:
    """Find a person's mistakes before anything is done.

    Returns:
        Whether the draft leaves anything to the dial.

    Raises:
        UserError: an unknown key, or a value that is not valid.
    """
    check_said(draft)
    derived = derive(draft, NOMINAL, NOMINAL_FACTS)
    check_sinks(resolve(draft, derived).train.tracking.sinks)
    return bool(derived.reasons)


def resolve(draft: dict[str, Any], derived: Derived) -> Recipe:
    """Lay a draft over derived values; what the draft says wins."""
    return build_config(Recipe, merge(derived.values, draft), "recipe")


def read_frozen(request: Request) -> Recipe | None:
    """The frozen recipe of a run, or None where it has to be derived (again).

    Raises:
        UserError: the recipe was edited by hand, and the draft changed as well.
    """
    run = request.run
    if not (run.recipe_path.exists() and run.dial_path.exists()):
        return None
    dial = read_json(run.dial_path)
    if dial["draft_sha256"] == request.draft_hash:
        return read_recipe(run.recipe_path)  # edited by hand or not
    if sha256_bytes(run.recipe_path.read_bytes()) != dial["recipe_sha256"]:
        raise UserError(
            f"{run.recipe_path} was edited by hand and would be written anew for the "
            "new options; make these changes in the file too, or delete it"
        )
    return None


def freeze(
    request: Request,
    facts: CorpusFacts,
    measure: Callable[[], Calibration],
    tune: Tune | None = None,
) -> tuple[Recipe, Derived]:
    """Derive a recipe and write it.

    Args:
        request: the run and its draft.
        facts: sizes of the corpus.
        measure: called once if the draft leaves something to the dial and this run
            has not been calibrated before.
        tune: called if the draft leaves something to the dial and this model was not
            tuned in this run before.
    """
    run, calibration = request.run, None
    if check_draft(request.draft):
        calibration = _known_calibration(run) or measure()
    derived = derive(request.draft, calibration or NOMINAL, facts)
    recipe = resolve(request.draft, derived)
    tuning: dict[str, Any] | None = None
    if tune is not None and derived.reasons:
        key = _tuning_key(recipe)
        tuning = _known_tuning(run, key)
        if tuning is None:
            found = tune(request.draft, recipe)
            tuning = {"key": key, "values": found.values, "reasons": found.reasons}
        derived = Derived(
            merge(derived.values, tuning["values"]),
            {**derived.reasons, **tuning["reasons"]},
            derived.notes,
        )
        recipe = resolve(request.draft, derived)
    text = dump_recipe(recipe, derived.reasons)
    run.recipe_path.unlink(missing_ok=True)
    dial = {
        "draft_sha256": request.draft_hash,
        "recipe_sha256": sha256_bytes(text.encode()),
        "calibration": calibration and calibration.model_dump(mode="json"),
        "tuning": tuning,
        "facts": facts.model_dump(mode="json"),
        "reasons": derived.reasons,
        "notes": derived.notes,
    }
    write_json(run.dial_path, dial)
    write_text(run.recipe_path, text)
    return recipe, derived


def _tuning_key(recipe: Recipe) -> str:
    """Hash of what tuning depends on."""
    parts = recipe.model_dump(mode="json", include={"model", "machine", "minutes"})
    return sha256_json([parts, recipe.train.batch_size, recipe.train.context_length])


def _known_tuning(run: RunDirectory, key: str) -> dict[str, Any] | None:
    known = read_json(run.dial_path).get("tuning") if run.dial_path.exists() else None
    return known if known and known["key"] == key else None


def _known_calibration(run: RunDirectory) -> Calibration | None:
    if not run.dial_path.exists():
        return None
    known = read_json(run.dial_path)["calibration"]
    return known and build_config(Calibration, known, str(run.dial_path))
