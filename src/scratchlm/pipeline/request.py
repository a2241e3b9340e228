"""What somebody asked for: which run, and the draft of its recipe.

    scratchlm run laptop              a packaged recipe: run `laptop`
    scratchlm run laptop --name mine  the same, in runs/mine
    scratchlm run mine                that run again: continue it, or say it is done
    scratchlm run mine train.seed=1   the same run, amended
    scratchlm run path/recipe.toml    a recipe of one's own

The draft is kept in the run (`request.json`): a run that is asked for again, without
options, is the run that was asked for the first time.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.config import ConfigT, build_config, merge, parse_overrides
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.pipeline.recipe import packaged_recipes, read_draft, read_packaged
from scratchlm.pipeline.run_directory import RunDirectory, list_runs, open_run


@dataclass(frozen=True)
class Request:
    """A run and the draft of its recipe."""

    run: RunDirectory
    recipe: str
    """Name of the packaged recipe, or the path of the file that it came from."""
    draft: dict[str, Any]
    again: bool = False
    """The run exists and is asked for as it is."""
    amended: bool = False
    """The run exists and something of its draft was changed."""
    commands: tuple[str, ...] = ()
    """The command lines that asked for it, and amended it."""

    @property
    def draft_hash(self) -> str:
        """Hash of the draft."""
        return sha256_json(self.draft)


def draft_options(
    overrides: Sequence[str] = (),
    minutes: float | None = None,
    text: Sequence[Path] = (),
    chat: Path | None = None,
    preferences: Path | None = None,
    depth: int | None = None,
) -> dict[str, Any]:
    """Turn the options of the command line into a piece of a draft.

    Args:
        overrides: `a.b=value`; where `text` is given, words without `=` join it.
        minutes: time that the journey may take.
        text: files and folders to use instead of the embedded corpus.
        chat: a file of conversations.
        preferences: a file of preference pairs.
        depth: number of layers.

    Raises:
        UserError: a path that does not exist, or an override of another form.
    """
    more = [word for word in overrides if "=" not in word] if text else []
    paths = [*text, *map(Path, more)]
    files = [path for path in (*paths, chat, preferences) if path is not None]
    if missing := [path for path in files if not path.exists()]:
        raise UserError(f"{missing[0]} does not exist; give an existing file or folder")
    corpus: dict[str, Any] = {}
    if paths:
        corpus |= {"source": "files", "paths": [_absolute(path) for path in paths]}
    corpus |= {"chat": _absolute(chat)} if chat else {}
    corpus |= {"preferences": _absolute(preferences)} if preferences else {}
    options: dict[str, Any] = {"corpus": corpus} if corpus else {}
    options |= {} if minutes is None else {"minutes": minutes}
    options |= {} if depth is None else {"model": {"n_layers": depth}}
    return merge(options, parse_overrides([w for w in overrides if w not in more]))


def read_section(cls: type[ConfigT], draft: Mapping[str, Any], section: str) -> ConfigT:
    """Fill one room's config from a draft; its section's name may be left out.

    Raises:
        UserError: an unknown key, or a value that is not valid.
    """
    plain = {key: value for key, value in draft.items() if key != section}
    return build_config(cls, merge(plain, draft.get(section, {})), section)


def make_request(
    target: str,
    options: Mapping[str, Any],
    runs_directory: Path,
    name: str | None = None,
) -> Request:
    """Find out which run is meant, and the draft of its recipe.

    Args:
        target: a packaged recipe's name, an existing run's name, or a TOML file.
        options: nested mapping that is laid over the draft.
        runs_directory: where runs stand.
        name: the run's name where it shall not follow from the target.

    Raises:
        UserError: nothing of that name, or the name belongs to another recipe's run.
    """
    if target.endswith(".toml"):
        return _from_file(Path(target), options, runs_directory, name)
    run = open_run(runs_directory, name or target)
    if run.exists():
        return _existing(run, target, options)
    if target not in packaged_recipes():
        raise UserError(_nothing_named(target, runs_directory))
    return Request(run, target, merge(read_packaged(target), options))


def save_request(request: Request, command: str = "") -> Request:
    """Keep what was asked for in the run's directory, and by which command line."""
    commands = request.commands
    if command and not request.again:
        commands = (*commands, command)
    value = {
        "recipe": request.recipe,
        "draft": request.draft,
        "commands": list(commands),
    }
    write_json(request.run.request_path, value)
    return replace(request, commands=commands)


def load_request(run: RunDirectory) -> Request:
    """Read what was asked for.

    Raises:
        UserError: the file is missing or damaged.
    """
    value = read_json(run.request_path)
    commands = tuple(value["commands"])
    return Request(run, value["recipe"], value["draft"], True, commands=commands)


def _existing(run: RunDirectory, target: str, options: Mapping[str, Any]) -> Request:
    before = load_request(run)
    if target not in (run.name, before.recipe):
        raise UserError(
            f"run {run.name} was started from recipe {before.recipe}, not {target}; "
            "choose another --name"
        )
    draft = merge(before.draft, options)
    changed = draft != before.draft
    return replace(before, draft=draft, again=not changed, amended=changed)


def _from_file(
    path: Path, options: Mapping[str, Any], runs_directory: Path, name: str | None
) -> Request:
    draft = merge(read_draft(path), options)
    run = open_run(runs_directory, name or _name_after(path, runs_directory))
    if not run.exists():
        return Request(run, str(path), draft)
    before = load_request(run)
    changed = draft != before.draft
    return replace(
        before, recipe=str(path), draft=draft, again=not changed, amended=changed
    )


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())


def _name_after(path: Path, runs_directory: Path) -> str:
    if path.stem != "recipe":
        return path.stem
    parent = path.resolve().parent
    is_run = parent.parent == runs_directory.resolve()
    return f"{parent.name}-repeat" if is_run else parent.name


def _nothing_named(target: str, runs_directory: Path) -> str:
    recipes = sorted(packaged_recipes())
    runs = [run.name for run in list_runs(runs_directory)]
    near = difflib.get_close_matches(target, [*recipes, *runs], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "or give a file that ends in .toml"
    return (
        f"there is no recipe and no run {target!r} (recipes: {', '.join(recipes)}); "
        f"{hint}"
    )
