"""Laws of the dial, against the numbers that nanochat prints and simple doublings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.model.counts import count_multiplied
from scratchlm.plan import plan_depth
from scratchlm.plan.depth import (
    LAPTOP,
    NANOCHAT,
    REFERENCES,
    batch_lr_frac,
    scaled_batch,
    scaled_weight_decay,
    width_lr_frac,
)


def test_nanochats_reference_depth_gets_its_own_settings_back():
    plan = plan_depth(12, style="nanochat")
    assert plan.tokens_per_step == 2**19
    assert plan.matrix_lr == 0.02
    assert (plan.embed_lr, plan.head_lr) == (0.3, 0.008)
    assert plan.weight_decay == pytest.approx(0.28)
    assert plan.tokens == pytest.approx(NANOCHAT.tokens, rel=1e-3)


@pytest.mark.parametrize(
    ("depth", "batch"),
    [(8, 2**18), (10, 2**19), (16, 2**19), (18, 2**20), (26, 2**20), (32, 2**21)],
)
def test_nanochats_depths_get_the_batches_that_its_log_lists(depth, batch):
    assert plan_depth(depth, style="nanochat").tokens_per_step == batch


def test_the_laptop_point_is_kept_where_it_was_measured():
    plan = plan_depth(6, tokens=3.5e6)
    assert plan.tokens_per_step == 2048
    assert plan.matrix_lr == LAPTOP.matrix_lr
    assert plan.embed_lr == pytest.approx(6e-3 * math.sqrt(256 / 192))
    assert plan.weight_decay == 0


def test_what_is_given_is_taken_as_it_is():
    plan = plan_depth(
        4, vocab_size=512, context_length=128, tokens=1e6, tokens_per_step=4096
    )
    assert (plan.model.vocab_size, plan.model.context_length) == (512, 128)
    assert plan.tokens_per_step == 4096
    assert plan.tokens == 4096 * 244
    assert sum(": given" in reason for reason in plan.reasons) == 2


@given(st.sampled_from(sorted(REFERENCES)), st.integers(1, 64))
def test_a_plan_spends_its_ratio_of_tokens_in_whole_rows(style, depth):
    plan = plan_depth(depth, style=style)
    wanted = REFERENCES[style].tokens_per_parameter * count_multiplied(plan.model)
    assert abs(plan.tokens - wanted) <= plan.tokens_per_step
    assert plan.tokens_per_step % plan.model.context_length == 0
    assert plan.tokens == plan.total_steps * plan.tokens_per_step


@given(st.floats(1e6, 1e12), st.integers(8, 4096))
def test_ten_times_the_tokens_want_two_and_a_half_times_the_batch(tokens, length):
    one = scaled_batch(tokens, NANOCHAT, length)
    ten = scaled_batch(10 * tokens, NANOCHAT, length)
    assert one <= ten <= 4 * (one + length)


def test_decay_keeps_the_epochs_that_weights_remember():
    # B / (rate · decay · D) is the same at every batch and length
    def memory(tokens, batch):
        rate = NANOCHAT.matrix_lr * batch_lr_frac(batch, NANOCHAT)
        return batch / (rate * scaled_weight_decay(tokens, batch, NANOCHAT) * tokens)

    expected = memory(NANOCHAT.tokens, NANOCHAT.tokens_per_step)
    for tokens, batch in [(1e8, 2**16), (1e11, 2**22)]:
        assert memory(tokens, batch) == pytest.approx(expected)


def test_four_times_the_width_halves_the_rates_of_embedding_and_head():
    assert width_lr_frac(4 * 256, LAPTOP) == 0.5
    assert batch_lr_frac(4 * 2048, LAPTOP) == 2


def test_an_unknown_style_is_refused():
    with pytest.raises(UserError, match="choose laptop or nanochat"):
        plan_depth(4, style="gpt5")
