"""Stages that know when they are up to date.

A stage has a name, inputs (other stages), a config and a function that fills its
directory. Its key is the hash of all that can change its outputs:

    key = sha256(name, config, upstream output hashes, version)

A stage that ended leaves `stage.json` (key, hashes of its outputs, a summary). It is
skipped while the key is the same and its outputs have these hashes. A stage that was
interrupted left `started.json`: with the same key, a stage that can resume finds its
directory as it was; any other directory is emptied first, except one that holds
checkpoints: that is refused with what has changed, until somebody accepts it or gives
the checkpoints up. Both markers are written atomically and the outputs' hashes last,
so a process may be killed at any moment.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scratchlm import __version__
from scratchlm.base.atomic import read_json, remove_leftovers, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file, sha256_json
from scratchlm.base.lock import LOCK_NAME
from scratchlm.base.progress import SILENT, Progress
from scratchlm.train.checkpoint_folders import CHECKPOINTS, folder_step, list_folders
from scratchlm.train.identity import (
    Change,
    OnChange,
    accepted_note,
    find_changes,
    refuse_changes,
)

DONE = "stage.json"
STARTED = "started.json"


@dataclass(frozen=True)
class Context:
    """What a stage's function is given."""

    directory: Path
    """The stage's own directory; it exists."""
    inputs: Mapping[str, Path]
    """Directories of the stages that it reads, by name."""
    metrics_path: Path
    """The run's `metrics.jsonl`."""
    progress: Progress = SILENT
    on_change: OnChange = "refuse"
    """What to do with checkpoints that were made under other conditions."""


@dataclass(frozen=True)
class Stage:
    """One step of the journey: from input directories to an output directory."""

    name: str
    run: Callable[[Context], str]
    """Fills the directory; returns a summary of one line, without times."""
    config: Mapping[str, Any]
    """All settings that can change the outputs, as JSON values."""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("**/*",)
    """Patterns of the files that are its artefacts."""
    resumes: bool = False
    """Whether it continues from what an interrupted run left in its directory."""


@dataclass(frozen=True)
class Marker:
    """The content of `stage.json`: how a stage ended."""

    key: str
    config: str
    """Hash of the config, to tell a changed config from changed inputs."""
    inputs: dict[str, str]
    """Hash of the outputs of each upstream stage."""
    outputs: dict[str, str]
    """SHA-256 of each artefact, by path relative to the stage's directory."""
    summary: str = ""

    @property
    def outputs_hash(self) -> str:
        """One hash for all outputs: what downstream keys are made of."""
        return sha256_json(self.outputs)


@dataclass(frozen=True)
class Verdict:
    """Whether a stage needs to run, and why, in words."""

    key: str
    up_to_date: bool
    reason: str
    keep: bool = False
    """Whether what stands in its directory is the beginning of this very work."""
    marker: Marker | None = field(default=None, compare=False)
    changes: tuple[Change, ...] = ()
    """What is not as it was when the checkpoints in its directory were made."""


def stage_key(stage: Stage, upstream: Mapping[str, str]) -> str:
    """Hash everything that the outputs of a stage depend on.

    Args:
        stage: the stage.
        upstream: `outputs_hash` of each stage in `stage.inputs`.
    """
    inputs = {name: upstream[name] for name in stage.inputs}
    return sha256_json([stage.name, dict(stage.config), inputs, __version__])


def judge_stage(
    stage: Stage, directory: Path, upstream: Mapping[str, str], verify: bool = True
) -> Verdict:
    """Decide whether a stage is up to date, can continue, or must start anew.

    Args:
        stage: the stage.
        directory: where its outputs stand or will stand.
        upstream: `outputs_hash` of each upstream stage.
        verify: compare the files' content with the recorded hashes; otherwise
            only their presence.
    """
    key = stage_key(stage, upstream)
    marker = read_marker(directory)
    if marker is None:
        return _judge_unfinished(stage, directory, key, upstream)
    if marker.key != key:
        return Verdict(key, False, _what_changed(stage, marker, upstream))
    damaged = find_damaged(directory, marker, verify)
    if damaged is not None:
        reason = f"{damaged} is missing or was changed"
        return Verdict(key, False, reason, keep=stage.resumes)
    return Verdict(key, True, "up to date", keep=True, marker=marker)


def run_stage(
    stage: Stage, context: Context, verdict: Verdict, upstream: Mapping[str, str]
) -> Marker:
    """Run a stage that is not up to date and leave its marker.

    Returns:
        The marker as written to `stage.json`.
    """
    assert not verdict.changes, "settle_changes comes first"
    directory = context.directory
    prepare_directory(directory, verdict, _describe(stage, upstream))
    summary = stage.run(context)
    marker = Marker(
        key=verdict.key,
        config=sha256_json(dict(stage.config)),
        inputs={name: upstream[name] for name in stage.inputs},
        outputs=hash_outputs(directory, stage.outputs),
        summary=summary,
    )
    assert marker.outputs, f"stage {stage.name} left no outputs"
    write_json(directory / DONE, {"stage": stage.name, **vars(marker)})
    (directory / STARTED).unlink(missing_ok=True)
    return marker


def settle_changes(stage: Stage, context: Context, verdict: Verdict) -> Verdict:
    """Decide about checkpoints of an interrupted stage: refuse, go on, or begin anew.

    Raises:
        UserError: conditions have changed, and nobody has said what to do then.
    """
    if context.on_change == "restart" and stage.resumes:
        return replace(verdict, keep=False, changes=())
    if not verdict.changes:
        return verdict
    newest = folder_step(list_folders(context.directory / CHECKPOINTS)[-1])
    where = f"stage {stage.name}, which stands at step {newest:,},"
    if context.on_change == "refuse":
        raise refuse_changes(verdict.changes, where)
    context.progress.note(f"  {accepted_note(verdict.changes, where)}")
    return replace(verdict, keep=True, changes=())


def prepare_directory(
    directory: Path, verdict: Verdict, conditions: Mapping[str, Any] | None = None
) -> None:
    """Empty a stage's directory, or keep it to continue; mark it as started.

    Args:
        directory: of the stage.
        verdict: of `judge_stage`.
        conditions: what the stage depends on, for who comes after an interruption.
    """
    if not verdict.keep:
        # The markers go first: a half-emptied directory must not look whole.
        (directory / DONE).unlink(missing_ok=True)
        (directory / STARTED).unlink(missing_ok=True)
        for path in sorted(directory.iterdir()) if directory.exists() else ():
            if path.name != LOCK_NAME:  # held by this very process
                _delete(path)
    directory.mkdir(parents=True, exist_ok=True)
    remove_leftovers(directory)
    started = {"key": verdict.key, "conditions": dict(conditions or {})}
    write_json(directory / STARTED, started)
    (directory / DONE).unlink(missing_ok=True)


def hash_outputs(directory: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Hash the files of a directory that match the patterns, by relative path."""
    paths = {path for pattern in patterns for path in directory.glob(pattern)}
    names = sorted(path.relative_to(directory).as_posix() for path in paths)
    return {
        name: sha256_file(directory / name)
        for name in names
        if name not in (DONE, STARTED, LOCK_NAME) and (directory / name).is_file()
    }


def find_damaged(directory: Path, marker: Marker, verify: bool = True) -> str | None:
    """Find the first output that is missing or differs from its recorded hash."""
    for name, digest in marker.outputs.items():
        path = directory / name
        if not path.is_file() or (verify and sha256_file(path) != digest):
            return name
    return None


def read_marker(directory: Path) -> Marker | None:
    """Read `stage.json`; None where the stage has not ended (or left nonsense)."""
    try:
        values = read_json(directory / DONE)
        return Marker(**{k: v for k, v in values.items() if k != "stage"})
    except (UserError, TypeError, AttributeError):
        return None


def _judge_unfinished(
    stage: Stage, directory: Path, key: str, upstream: Mapping[str, str]
) -> Verdict:
    started = _read_started(directory)
    if started is None:
        return Verdict(key, False, "not yet made")
    if started["key"] == key:
        if stage.resumes:
            return Verdict(key, False, "interrupted, continues", keep=True)
        return Verdict(key, False, "interrupted, starts again")
    changes = find_changes(started["conditions"], _describe(stage, upstream))
    is_begun = stage.resumes and bool(list_folders(directory / CHECKPOINTS))
    return Verdict(
        key,
        False,
        "interrupted, and its inputs or config changed",
        changes=tuple(changes) if is_begun else (),
    )


def _describe(stage: Stage, upstream: Mapping[str, str]) -> dict[str, Any]:
    """What a stage depends on, as nested JSON values; what its key is made of."""
    inputs = {name: upstream[name] for name in stage.inputs}
    packages = {"packages": {"scratchlm": __version__}}
    return {**stage.config, "inputs": inputs, **packages}


def _read_started(directory: Path) -> dict[str, Any] | None:
    try:
        found = read_json(directory / STARTED)
        conditions = dict(found.get("conditions", {}))  # not in older versions
        return {"key": str(found["key"]), "conditions": conditions}
    except (UserError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _what_changed(stage: Stage, marker: Marker, upstream: Mapping[str, str]) -> str:
    if marker.config != sha256_json(dict(stage.config)):
        return "its config changed"
    changed = [
        name for name in stage.inputs if marker.inputs.get(name) != upstream[name]
    ]
    if changed:
        return f"its input {', '.join(changed)} changed"
    return "made by another version of ScratchLM"
