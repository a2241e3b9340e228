"""The stages of the journey: their order, what each reads, what can change each.

corpus → tokenizer → data → train → evaluate_base → finetune → align
       → evaluate_chat → quantize → export
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from scratchlm.pipeline import rooms
from scratchlm.pipeline.graph import Context, Stage, read_marker
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.train.identity import settings_that_count

if TYPE_CHECKING:
    from scratchlm.corpus import CorpusConfig
    from scratchlm.pipeline.recipe import Recipe

TRAINED = ("model/*.json", "model/*.safetensors", "*.json")
"""Artefacts of a training stage; its checkpoints are none."""


class Row(NamedTuple):
    """One stage after the corpus."""

    name: str
    run: Callable[[Recipe, Context], str]
    sections: str
    """Sections of the recipe that can change its outputs."""
    inputs: str
    """Stages that it reads."""
    resumes: bool = False
    """Whether it goes on from its own checkpoints."""


TABLE = (
    Row("tokenizer", rooms.run_tokenizer, "tokenizer", "corpus"),
    Row("data", rooms.run_data, "data", "corpus tokenizer"),
    Row(
        "train",
        rooms.run_train,
        "model train machine",
        "corpus data tokenizer",
        True,
    ),
    Row(
        "evaluate_base",
        rooms.run_evaluate_base,
        "evaluate machine",
        "corpus tokenizer train",
    ),
    Row(
        "finetune",
        rooms.run_finetune,
        "finetune machine",
        "corpus tokenizer train",
        True,
    ),
    Row("align", rooms.run_align, "align machine", "corpus tokenizer finetune", True),
    Row(
        "evaluate_chat",
        rooms.run_evaluate_chat,
        "evaluate machine",
        "corpus tokenizer finetune align",
    ),
    Row(
        "quantize",
        rooms.run_quantize,
        "quantize evaluate machine",
        "corpus tokenizer data align",
    ),
    Row(
        "export",
        rooms.run_export,
        "export",
        "corpus tokenizer evaluate_base align evaluate_chat quantize",
    ),
)

PLACES = {"paths", "chat", "preferences"}  # where files lie plays no part
STAGE_NAMES = ("corpus", *(row.name for row in TABLE))


def build_corpus_stage(config: CorpusConfig, inputs: Mapping[str, str]) -> Stage:
    """The first stage: it depends on input files and its own config alone.

    Args:
        config: what to collect and how.
        inputs: content hash of each input file, see `hash_inputs`.
    """
    settings = config.model_dump(mode="json", exclude=PLACES)
    run = partial(rooms.run_corpus, config)
    return Stage("corpus", run, {**settings, "inputs": dict(inputs)})


def build_stages(recipe: Recipe) -> tuple[Stage, ...]:
    """The stages after the corpus, in their order."""
    parts = recipe.model_dump(mode="json")
    return tuple(
        Stage(
            name=row.name,
            run=partial(row.run, recipe),
            config={
                section: settings_that_count(section, parts[section])
                for section in row.sections.split()
            },
            inputs=tuple(row.inputs.split()),
            outputs=TRAINED if row.resumes else ("**/*",),
            resumes=row.resumes,
        )
        for row in TABLE
    )


def collect_artefacts(run: RunDirectory) -> dict[str, str]:
    """SHA-256 of every artefact of a run's finished stages, by `stage/path`."""
    markers = {name: read_marker(run.stage(name)) for name in STAGE_NAMES}
    return {
        f"{name}/{path}": digest
        for name, marker in markers.items()
        if marker is not None
        for path, digest in marker.outputs.items()
    }
