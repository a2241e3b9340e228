"""Laws of recipes: a mistake is named, a resolved recipe says everything."""

import pytest

from scratchlm.base.config import merge
from scratchlm.base.errors import UserError
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import NOMINAL_FACTS, derive
from scratchlm.pipeline.freeze import check_draft, resolve
from scratchlm.pipeline.recipe import (
    dump_recipe,
    packaged_recipes,
    read_draft,
    read_packaged,
    read_recipe,
)


def resolved(name="laptop", **draft):
    whole = merge(read_packaged(name), draft)
    derived = derive(whole, NOMINAL, NOMINAL_FACTS)
    return resolve(whole, derived), derived


def test_the_four_recipes_are_there_with_their_titles():
    recipes = packaged_recipes()
    assert {"laptop", "modern", "classic", "diagram"} <= set(recipes)
    assert all(title.strip() for title in recipes.values())


def test_laptop_is_modern():
    laptop, modern = resolved("laptop")[0], resolved("modern")[0]
    assert laptop.model_copy(update={"title": ""}) == modern.model_copy(
        update={"title": ""}
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("classic", ("learned", "layernorm", "pre", "gelu", True, "none")),
        ("diagram", ("rope", "layernorm", "post", "swiglu", False, "none")),
        ("modern", ("rope", "rmsnorm", "pre", "swiglu", False, "before_rope")),
    ],
)
def test_each_recipe_is_the_system_that_it_is_named_after(name, expected):
    m = resolved(name)[0].model
    found = (m.position, m.norm, m.norm_placement, m.mlp, m.tied, m.qk_norm)
    assert found == expected


def test_a_resolved_recipe_survives_its_file_with_reasons_as_comments(tmp_path):
    recipe, derived = resolved(corpus={"paths": ["a b", 'c"d'], "source": "files"})
    path = tmp_path / "recipe.toml"
    path.write_text(dump_recipe(recipe, derived.reasons))
    assert read_recipe(path) == recipe
    lines = path.read_text().splitlines()
    commented = [line for line in lines if line.startswith("total_steps = ")]
    assert derived.reasons["train.total_steps"] in commented[0]
    assert sum("  # " in line for line in lines) == len(derived.reasons)


def test_a_resolved_recipe_leaves_nothing_to_the_dial(tmp_path):
    recipe, derived = resolved("classic")
    path = tmp_path / "recipe.toml"
    path.write_text(dump_recipe(recipe, derived.reasons))
    draft = read_draft(path)
    assert not check_draft(draft)
    assert resolve(draft, derive(draft, NOMINAL, NOMINAL_FACTS)) == recipe


@pytest.mark.parametrize(
    ("draft", "answer"),
    [
        ({"trian": {}}, "did you mean 'train'"),
        ({"train": {"total_step": 3}}, "did you mean 'total_steps'"),
        ({"model": {"n_layer": 3}}, "did you mean 'n_layers'"),
        ({"train": {"total_steps": "many"}}, "train.total_steps"),
        ({"minutes": -1}, "minutes"),
        ({"machine": {"dtype": "float8"}}, "machine.dtype"),
        ({"model": {"vocab_size": 512}, "tokenizer": {"vocab_size": 600}}, "same"),
        ({"model": {"context_length": 64}, "train": {"context_length": 65}}, "exceeds"),
        ({"model": {"n_heads": 5, "n_kv_heads": 2}}, "multiple"),
    ],
)
def test_a_mistake_in_a_draft_is_named_before_anything_starts(draft, answer):
    with pytest.raises(UserError) as caught:
        check_draft(merge(read_packaged("laptop"), draft))
    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_draft_lies_over_the_recipe_that_it_extends(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "classic"\nminutes = 3\n[model]\ntied = false\n')
    draft = read_draft(path)
    assert (draft["minutes"], draft["model"]["tied"]) == (3, False)
    assert draft["model"]["position"] == "learned"
    assert "extends" not in draft


@pytest.mark.parametrize("name", ["latpop", "../secret", ""])
def test_an_unknown_recipe_is_answered_with_a_near_or_all_names(name):
    with pytest.raises(UserError, match="laptop"):
        read_packaged(name)
