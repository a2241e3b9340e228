"""Laws of a ladder's models: one family, in which compute alone differs."""

import pytest

from scratchlm.base.config import parse_overrides
from scratchlm.base.errors import UserError
from scratchlm.data import DataConfig, build_shards
from scratchlm.pipeline.ladder_plan import plan_ladder
from scratchlm.pipeline.ladder_sheet import plan_table
from scratchlm.pipeline.trial_base import find_base
from scratchlm.plan.parameters import count_multiplied
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = " ".join(f"{n} steps up the ladder, {n * n} down;" for n in range(400))
SMALL = ("model.context_length=16", "train.context_length=16", "train.batch_size=4")
SHAPES = [(1, 16), (1, 24), (1, 32), (2, 24), (2, 32)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    said = parse_overrides([*SMALL, "machine.threads=1"])
    return find_base(str(folder), folder, said, shape="2x48")


def plan(base, shapes=SHAPES, **more):
    values = {"tokens_per_parameter": 0.06, "heldout_tokens": 64, **more}
    return plan_ladder(base, shapes, (2, 48), **values)


def test_all_rungs_read_as_many_tokens_for_each_weight(base):
    made = plan(base, tokens_per_parameter=2.0)
    for rung in (*made.rungs, made.target):
        [trial] = rung.trials
        ratio = trial.train.total_tokens / count_multiplied(trial.model)
        assert ratio == pytest.approx(2.0, rel=0.02)


def test_rungs_rise_in_compute_and_share_the_style(base):
    made = plan(base)
    flops = [rung.flops for rung in (*made.rungs, made.target)]
    assert flops == sorted(flops)
    assert {rung.trials[0].model.mlp for rung in made.rungs} == {base.model.mlp}


def test_batches_grow_with_the_tokens_and_rates_follow(base):
    made = plan(base, tokens_per_parameter=2.0)
    low, top = made.rungs[0].trials[0].train, made.target.trials[0].train
    assert low.batch_size < top.batch_size == 4
    batch = (low.batch_size / 4) ** 0.5
    assert low.matrix_lr == pytest.approx(top.matrix_lr * batch)  # Muon: any width
    assert low.embed_lr == pytest.approx(top.embed_lr * batch * (48 / 16) ** 0.5)


def test_what_it_will_cost_is_said_first(base):
    table = plan_table(plan(base, n_seeds=2))
    assert table.rows[-1][0] == "2x48 (target)" and table.rows[-1][-1] == "100.0%"
    assert [row[4] for row in table.rows] == ["2"] * 5 + ["1"]


def test_rungs_that_give_no_law_are_refused(base):
    with pytest.raises(UserError, match="3 rungs are too few"):
        plan(base, SHAPES[:3])
    with pytest.raises(UserError, match="not less than the target 2x48"):
        plan(base, [*SHAPES, (4, 64)])


def test_a_text_that_is_too_short_is_said(base):
    assert "epochs" in plan(base, tokens_per_parameter=20.0).notes[0]
    assert plan(base).notes == ()
    free = plan_ladder(base, SHAPES, (2, 48))  # as far as four epochs reach
    assert free.notes == () and free.tokens_per_parameter < 20
