"""Laws of the dial: more time is never less, the text is the limit, a draft wins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.base.config import merge
from scratchlm.pipeline.calibration import Calibration, Speed
from scratchlm.pipeline.dial import (
    NOMINAL_FACTS,
    bytes_per_token,
    derive,
    shape_values,
)
from scratchlm.pipeline.freeze import resolve
from scratchlm.pipeline.recipe import packaged_recipes, read_packaged
from scratchlm.pipeline.rules import RULES, Shape, look_up
from scratchlm.plan.flops import estimate_training_flops


def machine(tokens_per_s=5000.0, spent_s=30.0):
    """A machine that trains the six-layer model of width 192 at a speed."""
    speed = Speed(
        n_layers=6,
        d_model=192,
        flops_per_token=21e6,
        tokens_per_s=tokens_per_s,
        tokens_per_step=2048,
    )
    return Calibration(speeds=(speed,), spent_s=spent_s, corpus_s=20.0)


def text(n_bytes):
    return NOMINAL_FACTS.model_copy(update={"train_bytes": n_bytes})


def recipe_for(minutes=10.0, speed=5000.0, facts=NOMINAL_FACTS, name="laptop"):
    draft = merge(read_packaged(name), {"minutes": minutes})
    return resolve(draft, derive(draft, machine(speed), facts))


def found(values, key):
    for part in key.split("."):
        values = values[part]
    return values


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
@pytest.mark.parametrize("minutes", [0.5, 10, 600])
@pytest.mark.parametrize("n_bytes", [20_000, 8_700_000, 10**11])
def test_every_packaged_recipe_resolves_at_any_time_on_any_text(name, minutes, n_bytes):
    recipe = recipe_for(minutes, facts=text(n_bytes), name=name)
    assert recipe.train.total_steps >= 1
    assert recipe.model.vocab_size == recipe.tokenizer.vocab_size
    assert recipe.train.context_length <= recipe.model.context_length


@settings(max_examples=25, deadline=None)
@given(
    minutes=st.floats(0.2, 3000),
    factor=st.floats(1.0, 20.0),
    speed=st.floats(50, 5e5),
)
def test_more_minutes_never_give_a_smaller_model_or_fewer_updates_of_it(
    minutes, factor, speed
):
    short, long = recipe_for(minutes, speed), recipe_for(minutes * factor, speed)
    assert long.model.n_parameters >= short.model.n_parameters
    if long.model == short.model:
        assert long.train.total_tokens >= short.train.total_tokens
        assert long.finetune.max_tokens >= short.finetune.max_tokens


@settings(max_examples=25, deadline=None)
@given(
    minutes=st.floats(0.2, 3000),
    speed=st.floats(50, 5e5),
    n_bytes=st.integers(20_000, 10**9),
)
def test_no_text_is_read_more_often_than_the_rule_allows(minutes, speed, n_bytes):
    recipe = recipe_for(minutes, speed, text(n_bytes))
    unique = n_bytes / bytes_per_token(recipe.model.vocab_size)
    floor = RULES.least_steps * recipe.train.tokens_per_step
    assert recipe.train.total_tokens <= max(RULES.max_epochs * unique, floor)


def test_where_the_text_is_the_limit_it_is_said_and_time_is_left_over():
    draft = merge(read_packaged("laptop"), {"minutes": 600})
    much = derive(draft, machine(), text(200_000))
    assert "the text is the limit, not the time" in " ".join(much.notes)
    assert "epochs of the text" in much.reasons["train.total_steps"]
    longer = merge(draft, {"minutes": 6000})
    assert (
        derive(longer, machine(), text(200_000)).values["train"]["total_steps"]
        == (much.values["train"]["total_steps"])
    )


def test_a_limit_that_the_draft_sets_itself_is_not_commented():
    steps = {"train": {"total_steps": 5}, "finetune": {"max_tokens": 5}}
    draft = merge(read_packaged("laptop"), {"minutes": 600, **steps})
    assert derive(draft, machine(), text(200_000)).notes == []


@settings(max_examples=15, deadline=None)
@given(st.floats(20, 1e6), st.floats(1, 30))
def test_a_faster_machine_never_trains_a_smaller_model(speed, factor):
    slow, fast = recipe_for(speed=speed), recipe_for(speed=speed * factor)
    assert fast.model.n_parameters >= slow.model.n_parameters


def test_the_stages_together_take_no_more_than_the_minutes():
    recipe = recipe_for(minutes=10, speed=5000)
    tokens = recipe.train.total_tokens
    speed = tokens / (RULES.pretrain_share * 600)  # at least, by the dial's own account
    tuned = recipe.finetune.max_tokens + recipe.align.max_tokens * 4 / 3
    assert (tokens + tuned) / speed < 600 * 1.01


def test_what_a_draft_says_wins_and_has_no_reason():
    said = {
        "model": {"n_layers": 3, "d_model": 128},
        "train": {"total_steps": 77, "batch_size": 6},
        "tokenizer": {"vocab_size": 1000},
        "machine": {"threads": 1},
    }
    draft = merge(read_packaged("laptop"), said)
    derived = derive(draft, machine(), NOMINAL_FACTS)
    recipe = resolve(draft, derived)
    assert (recipe.model.n_layers, recipe.model.d_model) == (3, 128)
    assert (recipe.train.total_steps, recipe.train.batch_size) == (77, 6)
    assert recipe.model.vocab_size == recipe.tokenizer.vocab_size == 1000
    assert recipe.train.micro_batch_size == 6
    for key in ("model.n_layers", "train.total_steps", "machine.threads"):
        assert key not in derived.reasons


def test_a_kill_costs_seconds_of_a_long_run_and_a_small_share_of_a_short_one():
    for minutes, wanted_s in ((600, 25), (10, 24), (2, 4.8)):
        train, model = (recipe := recipe_for(minutes)).train, recipe.model
        speed = machine().estimate_tokens_per_s(estimate_training_flops(model))
        step_s = train.tokens_per_step / speed
        seconds = train.checkpoint_every_steps * step_s
        assert abs(seconds - wanted_s) <= step_s


def test_a_depth_alone_brings_its_width_and_heads():
    draft = merge(read_packaged("laptop"), {"model": {"n_layers": 8}})
    model = resolve(draft, derive(draft, machine(), NOMINAL_FACTS)).model
    assert model.n_layers == 8
    assert model.d_model == 256 and model.d_model == model.n_heads * model.d_head


def test_every_derived_value_has_a_reason_and_every_reason_a_value():
    derived = derive(read_packaged("laptop"), machine(), NOMINAL_FACTS)

    def keys(values, path=""):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from keys(value, f"{path}{name}.")
            else:
                yield path + name

    assert set(keys(derived.values)) == set(derived.reasons)
    assert all(reason.strip() for reason in derived.reasons.values())


def test_the_same_measurements_give_the_same_recipe():
    assert recipe_for(7.0, 4321.0) == recipe_for(7.0, 4321.0)


def test_grouped_queries_and_gates_belong_to_their_styles():
    shape = Shape(6, 192, 6, 3, 512)
    modern = shape_values(shape, {"mlp": "swiglu", "qk_norm": True}, 4096, 256)
    classic = shape_values(shape, {"mlp": "gelu", "qk_norm": False}, 4096, 256)
    assert (modern["n_kv_heads"], modern["d_ff"]) == (3, 512)
    assert (classic["n_kv_heads"], classic["d_ff"]) == (6, 768)


def test_the_ladder_rises_and_its_heads_divide_its_widths():
    widths = [shape.d_model for shape in RULES.ladder]
    assert widths == sorted(widths)
    for shape in RULES.ladder:
        assert shape.d_model % shape.n_heads == 0
        assert shape.n_heads % shape.n_kv_heads == 0
        assert shape.d_ff % 32 == 0 and shape.d_model % 32 == 0  # 4-bit groups fit


def test_the_shares_leave_time_for_what_has_no_share():
    shares = (
        RULES.pretrain_share,
        RULES.finetune_share,
        RULES.align_share,
        RULES.evaluate_share,
    )
    assert 0.85 <= sum(shares) < 1


@pytest.mark.parametrize(
    ("at", "value"), [(1, 10), (5, 10), (6, 20), (9, 20), (10, 20)]
)
def test_a_step_table_holds_up_to_its_limits_and_its_last_value_beyond(at, value):
    assert look_up(((5, 10), (9, 20)), at) == value


def test_the_smallest_text_gets_a_vocabulary_that_wordpiece_fits():
    """It has every byte twice, where BPE has it once."""
    facts = text(20_000)
    bpe = recipe_for(facts=facts)
    draft = merge(read_packaged("laptop"), {"tokenizer": {"kind": "wordpiece"}})
    wordpiece = resolve(draft, derive(draft, machine(), facts))
    assert wordpiece.tokenizer.vocab_size >= 2 * 256 + 16
    assert bpe.tokenizer.vocab_size < wordpiece.tokenizer.vocab_size


def test_bytes_a_token_rise_with_the_vocabulary_through_the_measured_points():
    values = [bytes_per_token(size) for size in range(272, 20_000, 97)]
    assert values == sorted(values)
    assert bytes_per_token(1024) == 2.69
