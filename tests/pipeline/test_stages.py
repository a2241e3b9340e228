"""Laws of the table of stages: every setting counts once, no place counts at all."""

import pytest

from scratchlm.corpus import CorpusConfig
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import NOMINAL_FACTS, derive
from scratchlm.pipeline.freeze import resolve
from scratchlm.pipeline.graph import stage_key
from scratchlm.pipeline.recipe import Recipe, read_packaged
from scratchlm.pipeline.stages import (
    STAGE_NAMES,
    TABLE,
    build_corpus_stage,
    build_stages,
)


@pytest.fixture(scope="module")
def recipe():
    draft = read_packaged("laptop")
    return resolve(draft, derive(draft, NOMINAL, NOMINAL_FACTS))


def test_each_stage_reads_only_stages_before_it():
    for row in TABLE:
        before = STAGE_NAMES[: STAGE_NAMES.index(row.name)]
        assert set(row.inputs.split()) <= set(before)


def test_every_section_of_the_recipe_decides_some_stage():
    used = {section for row in TABLE for section in row.sections.split()} | {"corpus"}
    assert used == set(Recipe.model_fields) - {"title", "minutes"}


@pytest.mark.parametrize(
    ("section", "values", "stages"),
    [
        ("tokenizer", {"min_frequency": 3}, {"tokenizer"}),
        ("train", {"seed": 9}, {"train"}),
        ("align", {"beta": 9.0}, {"align"}),
        ("evaluate", {"stride": 7}, {"evaluate_base", "evaluate_chat", "quantize"}),
    ],
)
def test_a_setting_changes_the_keys_of_its_own_stages(recipe, section, values, stages):
    changed = getattr(recipe, section).model_copy(update=values)
    other = recipe.model_copy(update={section: changed})
    upstream = dict.fromkeys(STAGE_NAMES, "same")
    pairs = zip(build_stages(recipe), build_stages(other), strict=True)
    keys = [(a.name, stage_key(a, upstream), stage_key(b, upstream)) for a, b in pairs]
    differing = {name for name, before, after in keys if before != after}
    assert differing == stages


def test_minutes_and_title_change_no_key(recipe):
    other = recipe.model_copy(update={"minutes": 99.0, "title": "other"})
    assert [s.config for s in build_stages(recipe)] == [
        s.config for s in build_stages(other)
    ]


def test_where_the_text_lies_plays_no_part_and_what_it_holds_does():
    here = CorpusConfig(source="files", paths=("/a/notes",))
    there = CorpusConfig(source="files", paths=("/b/notes",))
    inputs = {"text/notes/x": "00"}
    key = stage_key(build_corpus_stage(here, inputs), {})
    assert stage_key(build_corpus_stage(there, inputs), {}) == key
    assert stage_key(build_corpus_stage(here, {"text/notes/x": "01"}), {}) != key
