import math

import numpy as np
import pytest
import torch

from scratchlm.train.objective import NextToken
from scratchlm.train.rehearsal import Rehearsal

V, T, B = 32, 8, 4


def window(seed=0):
    draw = np.random.default_rng(seed)
    stream = torch.from_numpy(draw.integers(V, size=(B, T + 1)))
    mask = torch.ones(B, T, dtype=torch.bool)
    return {"tokens": stream[:, :-1], "targets": stream[:, 1:], "loss_mask": mask}


def rehearse(model, objective=None, batch=None, **changes):
    settings = {"micro_batch_size": 2, "reseed": lambda: torch.manual_seed(7)}
    return Rehearsal(
        model.train(),
        objective or NextToken(),
        batch or window(),
        **{**settings, **changes},
    )


def stirred(model):
    """Without zeros in the output projections, so that all gradients flow."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(std=0.1)
    return model


def test_a_sound_step_has_no_fault(build_model):
    assert rehearse(build_model()).find_fault() is None


@pytest.mark.parametrize(
    ("value", "n_nan", "n_inf"), [(math.nan, 1, 0), (-math.inf, 0, 1)]
)
def test_a_damaged_weight_is_named(build_model, value, n_nan, n_inf):
    model = build_model()
    name = "layers.1.self_attn.k_proj.weight"
    with torch.no_grad():
        model.get_parameter(name)[0, 3] = value
    fault = rehearse(model).find_fault()
    assert (fault.stage, fault.where) == ("weights", name)
    assert (fault.n_nan, fault.n_inf, fault.n_numbers) == (n_nan, n_inf, 8 * 16)


def test_a_damaged_array_of_the_batch_is_named(build_model):
    batch = window() | {"reference": torch.tensor([0.0, math.nan, 1.0, 2.0])}
    fault = rehearse(build_model(), batch=batch).find_fault()
    assert (fault.stage, fault.where, fault.n_nan) == ("batch", "reference", 1)


def test_the_first_module_that_overflows_is_named_not_those_after_it(build_model):
    model = stirred(build_model(mlp="relu2"))
    with torch.no_grad():
        model.layers[0].mlp.up_proj.weight.mul_(1e30)
    fault = rehearse(model).find_fault()
    assert fault.stage == "forward"
    assert fault.where == "layers.0.mlp.down_proj"
    assert fault.largest_input == math.inf  # the square in between overflowed


def test_the_micro_batch_is_named(build_model):
    model = stirred(build_model(norm_placement="post"))
    batch = window()
    batch["tokens"] = batch["tokens"] % (V - 1)
    batch["tokens"][3, 2] = V - 1  # a row of the second micro-batch
    with torch.no_grad():
        model.embed_tokens.weight[V - 1] = 3e38
        model.layers[0].self_attn.q_proj.weight.mul_(100)
    fault = rehearse(model, batch=batch).find_fault()
    assert (fault.stage, fault.micro_batch) == ("forward", 1)
    assert fault.where == "layers.0.self_attn.q_proj"
    assert fault.largest_input == pytest.approx(3e38)


class SpoiledBackward(NextToken):
    """A loss that is finite, and whose gradient in one matrix is not."""

    def __call__(self, model, batch, window):
        loss, values = super().__call__(model, batch, window)
        weight = model.layers[1].mlp.up_proj.weight
        return loss + (weight * 0).abs().sum().sqrt(), values  # sqrt'(0) = inf


class SpoiledLoss(NextToken):
    def __call__(self, model, batch, window):
        loss, values = super().__call__(model, batch, window)
        return loss * math.inf, values


def test_a_gradient_that_overflows_on_the_way_back_is_named(build_model):
    fault = rehearse(build_model(), SpoiledBackward()).find_fault()
    assert (fault.stage, fault.where) == ("backward", "layers.1.mlp.up_proj.weight")


def test_a_loss_that_spoils_itself_is_not_laid_upon_a_module(build_model):
    fault = rehearse(build_model(), SpoiledLoss()).find_fault()
    assert (fault.stage, fault.where) == ("loss", "loss")


def test_a_loss_scale_that_is_too_large_is_found_on_the_way_back(build_model):
    model = stirred(build_model())
    fault = rehearse(model, loss_scale=1e39).find_fault()
    assert fault.stage == "backward"


def test_rows_losses_have_the_steps_loss_as_their_mean(build_model):
    model = stirred(build_model())
    batch = window()
    losses = rehearse(model, batch=batch).row_losses()
    assert len(losses) == B
    whole = float(model.loss(batch["tokens"], batch["targets"]).detach())
    assert sum(losses) / B == pytest.approx(whole, rel=1e-5)
    alone = float(model.loss(batch["tokens"][2:3], batch["targets"][2:3]).detach())
    assert losses[2] == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize("objective", [NextToken(), SpoiledBackward(), SpoiledLoss()])
def test_a_rehearsal_touches_nothing(build_model, objective):
    model = stirred(build_model())
    model.register_buffer("load", torch.zeros(3))

    def count(module, inputs, output):
        model.load.add_(1)

    model.layers[0].register_forward_hook(count)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    grads = {k: p.grad for k, p in model.named_parameters()}
    values = {k: g.clone() for k, g in grads.items()}
    random_state = torch.get_rng_state()
    rehearsal = rehearse(model, objective)
    rehearsal.find_fault()
    rehearsal.row_losses()
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is grads[k] for k, p in model.named_parameters())
    assert all(torch.equal(grads[k], values[k]) for k in grads)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert model.training
    hooks = [len(module._forward_hooks) for module in model.modules()]
    assert sum(hooks) == 1


def test_dropout_is_repeated_by_the_random_state_of_the_step(build_model):
    seen = []

    class Noisy(NextToken):
        def __call__(self, model, batch, window):
            seen.append(float(torch.rand(())))
            return super().__call__(model, batch, window)

    rehearsal = rehearse(build_model(), Noisy())
    rehearsal.find_fault()
    rehearsal.find_fault()
    torch.manual_seed(7)
    assert seen == [float(torch.rand(())) for _ in range(2)] * 2
