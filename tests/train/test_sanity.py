"""Laws of the checks in the loop."""

import math

import numpy as np
import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.train.objective import NextToken
from scratchlm.train.sanity import (
    GRADIENT_STEPS,
    SanityWatch,
    check_token_ids,
    judge_first_loss,
    judge_gradients,
)


@pytest.mark.parametrize("vocab_size", [32, 4096, 50_257])
def test_an_even_guess_is_a_normal_first_loss(vocab_size):
    assert judge_first_loss(math.log(vocab_size), vocab_size).normal
    high = judge_first_loss(math.log(vocab_size) + 1, vocab_size)
    low = judge_first_loss(math.log(vocab_size) - 1, vocab_size)
    assert not high.normal and "initial" in high.text
    assert not low.normal and "trained already" in low.text


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("mlp", ["swiglu", "relu2"])
def test_a_fresh_model_has_a_normal_first_loss(build_model, tied, mlp):
    model = build_model(tied=tied, mlp=mlp)
    tokens = torch.arange(64).view(8, 8) % 32
    with torch.no_grad():
        assert judge_first_loss(float(model.loss(tokens, tokens)), 32).normal


def ids(*values):
    return np.array([values], np.int64)


@pytest.mark.parametrize(("name", "bad"), [("tokens", 32), ("targets", -1)])
def test_an_id_that_the_model_does_not_know_is_named_with_its_place(name, bad):
    arrays = {"tokens": ids(0, 31, 5), "targets": ids(31, 5, 0)}
    check_token_ids(arrays, 32)
    arrays[name] = ids(1, 2, bad)
    with pytest.raises(UserError, match=rf"step 7: {name} hold id {bad} .*token 2"):
        check_token_ids(arrays, 32, "step 7")


def test_other_arrays_and_empty_ones_are_passed_over():
    check_token_ids({"loss_mask": ids(99), "tokens": np.zeros((0, 8), np.int64)}, 32)


def train_a_little(model, watch, n_steps, freeze=()):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    objective, masters = NextToken(), dict(model.named_parameters())
    draw = torch.Generator().manual_seed(0)
    for step in range(n_steps):
        tokens = torch.randint(32, (4, 9), generator=draw)
        batch = {"tokens": tokens[:, :-1], "targets": tokens[:, 1:]}
        batch["loss_mask"] = torch.ones_like(batch["tokens"], dtype=torch.bool)
        loss, _ = objective(model, batch, batch)
        torch.autograd.backward(loss)
        for name in freeze:
            masters[name].grad = None
        watch.gradients(step, float(loss.detach()), masters)
        optimizer.step()
        optimizer.zero_grad()


def test_a_model_that_learns_everywhere_gets_one_line(build_model):
    """Output projections begin at zero: what is behind them has no gradient at first,
    and that is no finding."""
    said = []
    train_a_little(build_model(), SanityWatch(32, said.append), 12)
    assert len(said) == 1 and said[0].startswith("  sanity: first loss 3.4")


def test_a_parameter_that_never_has_a_gradient_is_named(build_model):
    said, name = [], "layers.1.mlp.up_proj.weight"
    train_a_little(build_model(), SanityWatch(32, said.append), 12, freeze=[name])
    assert len(said) == 2
    assert said[1].startswith("  ODD:") and name in said[1]
    assert f"{GRADIENT_STEPS} steps" in said[1]


def test_weights_that_were_trained_before_have_no_known_first_loss(build_model):
    said = []
    watch = SanityWatch(32, said.append, fresh=False)
    watch.gradients(0, 1.0, {})
    assert not said


def test_many_silent_parameters_fit_a_line():
    finding = judge_gradients([f"layers.{i}.x" for i in range(30)])
    assert "and 27 more" in finding.text and "\n" not in finding.text
    assert judge_gradients([]).normal
