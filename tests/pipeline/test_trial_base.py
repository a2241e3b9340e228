"""Laws of what trials start from, and of what follows from a changed setting."""

import pytest

from scratchlm.base.config import dump_toml
from scratchlm.base.errors import UserError
from scratchlm.data import DataConfig, build_shards
from scratchlm.pipeline.recipe import Recipe
from scratchlm.pipeline.trial_base import (
    build_trial,
    equal_width,
    find_base,
    largest_part,
    parse_tokens,
)
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = "a small text that a small model can learn by heart; " * 200


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs with one run, as far as its data."""
    runs = tmp_path_factory.mktemp("runs")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    run = runs / "mine"
    for stage in ("tokenizer", "data"):
        (run / stage).mkdir(parents=True)
    tokenizer.save(run / "tokenizer" / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, run / "data")
    model = {"vocab_size": 300, "context_length": 16, "n_layers": 2, "n_heads": 2}
    model |= {"n_kv_heads": 1, "d_model": 32, "d_ff": 96}
    train = {"total_steps": 100, "batch_size": 8, "micro_batch_size": 4}
    train |= {"context_length": 16, "warmup_steps": 10, "decay_steps": 50}
    recipe = Recipe.model_validate(
        {"tokenizer": {"vocab_size": 300}, "model": model, "train": train}
    )
    (run / "recipe.toml").write_text(dump_toml(recipe))
    return runs


def base_of(runs, overrides=None, **more):
    return find_base("mine", runs, overrides or {}, **more)


def test_a_run_gives_model_training_and_data(runs):
    base = base_of(runs)
    assert base.name == "mine" and base.tokens == 100 * 8 * 16
    trial = build_trial(base, base.tokens, seed=0)
    assert trial.train.total_steps == 100
    assert (trial.train.warmup_steps, trial.train.decay_steps) == (10, 50)
    assert trial.model == base.model and trial.model.d_ff == 96


def test_another_length_keeps_the_shares_of_the_schedule(runs):
    trial = build_trial(base_of(runs), 4 * 100 * 8 * 16, seed=0)
    assert trial.train.total_steps == 400
    assert (trial.train.warmup_steps, trial.train.decay_steps) == (40, 200)
    assert trial.train.total_tokens == 4 * 100 * 8 * 16


def test_tokens_are_equal_whatever_the_batch(runs):
    base, tokens = base_of(runs), 64 * 16 * 10
    for rows in (1, 2, 16, 64):
        trial = build_trial(base, tokens, 0, {"train": {"batch_size": rows}})
        assert trial.train.total_tokens == tokens
        assert trial.train.micro_batch_size <= 4


def test_growing_batches_stretch_with_the_tokens(runs):
    stages = {"train": {"batch_stages": [[10, 2], [20, 4]]}}
    base = base_of(runs)
    trial = build_trial(base, 100 * 8 * 16, 0, stages)
    assert trial.train.batch_stages == ((10, 2), (20, 4))
    assert trial.train.total_tokens == pytest.approx(100 * 8 * 16, rel=0.02)
    grown = {**base.values["train"], **stages["train"]}
    base.values["train"].update(grown)
    longer = build_trial(base, 2 * 880 * 16, 0)
    assert longer.train.batch_stages[0][0] > 10


def test_a_network_without_a_gate_is_as_large_as_one_with_it(runs):
    base = base_of(runs)
    gated = build_trial(base, 1000, 0).model
    plain = build_trial(base, 1000, 0, {"model": {"mlp": "relu2"}}).model
    assert plain.d_ff == 144 and plain.n_parameters == gated.n_parameters
    said = {"model": {"mlp": "relu2", "d_ff": 96}}
    assert build_trial(base, 1000, 0, said).model.d_ff == 96


@pytest.mark.parametrize("width", [64, 96, 512, 1408])
def test_equal_widths_go_back_and_forth(width):
    assert equal_width(equal_width(width, 3, 2), 2, 3) == width


def test_what_was_said_of_the_base_holds_for_every_trial(runs):
    base = base_of(runs, {"model": {"tied": True}, "train": {"warmup_steps": 3}})
    trial = build_trial(base, 9999, 0, {"train": {"matrix_lr": 0.1}})
    assert trial.model.tied and trial.train.warmup_steps == 3
    assert trial.train.matrix_lr == 0.1


def test_heads_decide_their_own_width_unless_it_is_said(runs):
    trial = build_trial(base_of(runs), 1000, 0, {"model": {"n_heads": 4}})
    assert trial.model.d_head == 8


def test_a_shape_resizes_the_runs_model(runs):
    model = base_of(runs, shape="3x64").model
    assert (model.n_layers, model.d_model, model.vocab_size) == (3, 64, 300)


def test_bare_data_gives_a_small_modern_model_with_its_vocabulary(runs):
    tokenizer = runs / "mine" / "tokenizer" / "tokenizer.json"
    base = find_base(str(runs / "mine" / "data"), runs, {}, tokenizer=tokenizer)
    assert base.tokens is None
    trial = build_trial(base, 1_000_000, 0)
    assert trial.model.vocab_size == 300 and trial.model.d_model == 128
    assert 0 < trial.train.warmup_steps < trial.train.decay_steps


def test_mistakes_are_named_before_anything_is_trained(runs):
    with pytest.raises(UserError, match="no section 'modle'"):
        base_of(runs, {"modle": {"tied": True}})
    with pytest.raises(UserError, match="did you mean 'tied'"):
        base_of(runs, {"model": {"tyed": True}})
    with pytest.raises(UserError, match="did you mean 'matrix_lr'"):
        build_trial(base_of(runs), 1000, 0, {"train": {"matrix_l": 0.1}})
    with pytest.raises(UserError, match="follows from the tokens"):
        build_trial(base_of(runs), 1000, 0, {"train": {"total_steps": 5}})
    with pytest.raises(UserError, match="no run 'other'"):
        find_base("other", runs, {})


@pytest.mark.parametrize(
    ("text", "tokens"), [("500k", 500_000), ("2M", 2_000_000), ("1.5e6", 1_500_000)]
)
def test_tokens_are_written_as_people_write_them(text, tokens):
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize("text", ["", "many", "0", "-1M", "1e99", "2MB"])
def test_what_is_no_number_of_tokens_is_refused(text):
    with pytest.raises(UserError, match="write 500k or 2M"):
        parse_tokens(text)


@pytest.mark.parametrize(("rows", "most", "part"), [(8, 4, 4), (6, 4, 3), (7, 4, 1)])
def test_a_part_divides_its_batch(rows, most, part):
    assert largest_part(rows, most) == part
