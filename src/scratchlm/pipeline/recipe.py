"""Recipes: a draft says what somebody cares about, a resolved recipe says everything.

A draft is a TOML file (packaged: `laptop`, `modern`, `classic`, `diagram`; or one's
own), overlaid with options and `a.b=value` overrides. The dial fills what a draft
leaves open; the result is a `Recipe`, saved as `runs/<name>/recipe.toml` with the
reason of every derived value beside it. That file is a draft too, one that leaves
nothing open: running it repeats the run.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from scratchlm.align import AlignConfig
from scratchlm.base.config import Config, build_config, dump_toml, merge, read_toml
from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.corpus import CorpusConfig
from scratchlm.data import DataConfig
from scratchlm.evaluate import EvaluateConfig
from scratchlm.export import ExportConfig
from scratchlm.finetune import FinetuneConfig
from scratchlm.model import ModelConfig
from scratchlm.quantize import QuantizeConfig
from scratchlm.tokenizer import TokenizerConfig
from scratchlm.train import TrainConfig

PACKAGED = Path(__file__).parent / "recipes"


class Recipe(Config):
    """The settings of a whole journey: one section a stage."""

    title: str = "a recipe of one's own"
    """What this recipe is, in one line."""
    minutes: float = Field(default=10.0, gt=0, le=60 * 24 * 365)
    """Time that the journey may take on this machine; only the dial reads it."""
    machine: MachineConfig = MachineConfig()
    """Device, precision, threads."""
    corpus: CorpusConfig = CorpusConfig()
    """Text → text."""
    tokenizer: TokenizerConfig = TokenizerConfig()
    """Text → ids."""
    data: DataConfig = DataConfig()
    """Ids → batches."""
    model: ModelConfig
    """Shape of the network."""
    train: TrainConfig
    """Pretraining."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """What is measured, of the base model and of the chat model."""
    finetune: FinetuneConfig = FinetuneConfig()
    """Conversations: from model to chatbot."""
    align: AlignConfig = AlignConfig()
    """Preferences: from chatbot to preferred chatbot."""
    quantize: QuantizeConfig = QuantizeConfig()
    """Four bits."""
    export: ExportConfig = ExportConfig()
    """Formats for others."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model.vocab_size != self.tokenizer.vocab_size:
            raise ValueError(
                f"model.vocab_size = {self.model.vocab_size} and tokenizer.vocab_size "
                f"= {self.tokenizer.vocab_size} must be the same number"
            )
        if self.train.context_length > self.model.context_length:
            raise ValueError(
                f"train.context_length = {self.train.context_length} exceeds "
                f"model.context_length = {self.model.context_length}"
            )
        return self


def packaged_recipes() -> dict[str, str]:
    """The recipes that come with ScratchLM: name → title."""
    paths = sorted(PACKAGED.glob("*.toml"))
    return {path.stem: str(read_toml(path)["title"]) for path in paths}


def read_draft(path: Path) -> dict[str, Any]:
    """Read a draft; `extends = "name"` lays it over a packaged recipe.

    Raises:
        UserError: no such file, malformed TOML, or an unknown name in `extends`.
    """
    draft = read_toml(path)
    below = draft.pop("extends", None)
    return draft if below is None else merge(read_packaged(str(below)), draft)


def read_packaged(name: str) -> dict[str, Any]:
    """Read a packaged recipe by its name.

    Raises:
        UserError: there is none of that name; the nearest is offered.
    """
    path = PACKAGED / f"{name}.toml"
    if not name.isidentifier() or not path.is_file():
        known = sorted(packaged_recipes())
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise UserError(f"there is no recipe {name!r}; {hint}")
    return read_draft(path)


def read_recipe(path: Path) -> Recipe:
    """Read a resolved recipe.

    Raises:
        UserError: missing, malformed, or not valid; with the key concerned.
    """
    return build_config(Recipe, read_toml(path), str(path))


def check_said(draft: Mapping[str, Any]) -> None:
    """Check each key and value of a draft by itself; what it leaves open may be open.

    Raises:
        UserError: an unknown key, or a value of a wrong kind or out of its range.
    """
    try:
        Recipe.model_validate(dict(draft))
    except ValidationError as error:
        for found in error.errors():
            if found["type"] not in ("missing", "value_error"):
                raise UserError(_explain(found["loc"], found)) from None


def _explain(path: Sequence[int | str], found: Mapping[str, Any]) -> str:
    name = ".".join(map(str, path))
    if found["type"] != "extra_forbidden":
        return f"recipe: {name} = {found.get('input')!r} is not valid: {found['msg']}"
    known = _known_keys(path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"recipe: unknown key {name!r}; {hint}"


def _known_keys(path: Sequence[int | str]) -> list[str]:
    cls: Any = Recipe
    for part in path:
        cls = cls.model_fields[str(part)].annotation
    return sorted(cls.model_fields)


def dump_recipe(recipe: Recipe, reasons: Mapping[str, str]) -> str:
    """Write a resolved recipe as TOML, each reason as a comment beside its key."""
    lines = ["# The resolved recipe: nothing in it depends on a clock any more."]
    section = ""
    for line in dump_toml(recipe).splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        reason = reasons.get(section + line.partition(" = ")[0])
        lines.append(f"{line}  # {reason}" if reason else line)
    return "\n".join(lines) + "\n"
