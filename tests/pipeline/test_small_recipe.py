"""Laws of the recipe in small: the style stays, the sizes go."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline.recipe import packaged_recipes, read_packaged
from scratchlm.pipeline.small_recipe import CONTEXT, MODEL_SIZES, find_draft, shrink


def small(draft, below="laptop"):
    base = read_packaged(below)
    sections = {name: {**base.get(name, {}), **draft.get(name, {})} for name in draft}
    return shrink({**base, **sections}, total_steps=60, save_every=2)


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
def test_every_packaged_recipe_has_a_small_form(name):
    recipe = small({}, name)
    assert recipe.model.n_parameters < 500_000
    assert recipe.train.total_steps == 60
    assert recipe.train.checkpoint_every_steps == 2
    said = read_packaged(name)["model"]
    kept = {key: value for key, value in said.items() if key not in MODEL_SIZES}
    for key in kept.keys() - {"qk_norm"}:  # true is written before_rope
        assert getattr(recipe.model, key) == kept[key], key


STYLE = {
    "dropout": 0.1,
    "tied": True,
    "mlp": "relu2",
    "logit_softcap": 15.0,
    "value_embeddings": "alternate",
    "residual_scalars": True,
    "window_pattern": "SL",
}


def test_the_style_of_the_model_stays():
    recipe = small({"model": {**STYLE, "n_layers": 40, "d_model": 4096}})
    for name, value in STYLE.items():
        assert getattr(recipe.model, name) == value
    assert (recipe.model.n_layers, recipe.model.d_model) == (4, 64)


def test_windows_experts_and_shared_heads_stay_in_small():
    draft = {"n_heads": 32, "n_kv_heads": 8, "n_experts": 64, "n_experts_per_token": 8}
    model = small({"model": {**draft, "attention_window": 1024}}).model
    assert model.n_heads // model.n_kv_heads == 4
    assert model.n_experts and model.n_experts_per_token == 2
    assert 0 < model.attention_window < CONTEXT


@pytest.mark.parametrize(
    ("rows", "at_once", "n_micro"), [(8, 8, 1), (8, 4, 2), (512, 4, 4), (4, 1, 4)]
)
def test_what_is_accumulated_is_accumulated_in_small(rows, at_once, n_micro):
    draft = {"batch_size": rows, "micro_batch_size": at_once}
    train = small({"train": draft}).train
    assert train.batch_size == n_micro * train.micro_batch_size


def test_how_it_is_trained_stays():
    said = {
        "optimizer": "adamw",
        "packing": "documents",
        "document_mask": True,
        "seed": 9,
        "max_grad_norm": 0.5,
        "batch_size": 64,
        "micro_batch_size": 8,
        "batch_stages": [[1000, 8]],
        "momentum_warmup_steps": 300,
        "tracking": {"sinks": ["wandb"]},
    }
    train = small({"train": said}).train
    for name in ("optimizer", "packing", "document_mask", "seed", "max_grad_norm"):
        assert getattr(train, name) == said[name]
    assert train.batch_stages == ((20, 4),) and train.momentum_warmup_steps == 20
    assert train.tracking.sinks == (), "a proof is nobody's run"


def test_precision_stays_and_what_is_open_is_this_machines():
    machine = {"dtype": "bfloat16", "threads": 1, "attention": "sdpa"}
    found = small({"machine": machine}).machine
    assert (found.dtype, found.threads, found.attention) == ("bfloat16", 1, "sdpa")
    assert small({}).machine.dtype == "float32"


def test_a_target_is_a_recipe_a_file_or_a_run(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "classic"\n[train]\nseed = 4\n')
    assert find_draft(str(path), tmp_path)["train"]["seed"] == 4
    assert find_draft("classic", tmp_path) == read_packaged("classic")
    with pytest.raises(UserError, match="no run 'nowhere'"):
        find_draft("nowhere", tmp_path)
