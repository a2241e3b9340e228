"""The DPO loss: the numbers of the literature, then what must always hold."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.align.dpo import dpo_loss, preference_margin

UNIT = json.loads(
    (Path(__file__).parents[1] / "fixtures/post-training/unit_numbers.json").read_text()
)
GIVEN = UNIT["input"]
LOGPS = [
    torch.tensor([GIVEN[name]], dtype=torch.float64)
    for name in ("chosen", "rejected", "ref_chosen", "ref_rejected")
]
nats = st.floats(-200, 0, allow_nan=False)


def test_the_loss_is_the_published_number() -> None:
    loss = dpo_loss(*LOGPS, beta=GIVEN["beta"])
    assert loss.item() == pytest.approx(UNIT["dpo_sigmoid"], abs=1e-12)


def test_label_smoothing_gives_the_conservative_number() -> None:
    loss = dpo_loss(
        *LOGPS, beta=GIVEN["beta"], label_smoothing=GIVEN["label_smoothing"]
    )
    expected = UNIT["dpo_cdpo(label smoothing)"]
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_means_instead_of_sums_give_the_length_normalised_number() -> None:
    lengths = [GIVEN["len_chosen"], GIVEN["len_rejected"]] * 2
    means = [logp / n for logp, n in zip(LOGPS, lengths, strict=True)]
    loss = dpo_loss(*means, beta=GIVEN["beta"])
    assert loss.item() == pytest.approx(UNIT["dpo_sigmoid_norm"], abs=1e-12)


@settings(deadline=None)
@given(nats, nats, st.floats(0.01, 10), st.floats(0, 0.49))
def test_a_policy_equal_to_its_reference_loses_ln_2(
    chosen: float, rejected: float, beta: float, smoothing: float
) -> None:
    logps = torch.tensor([[chosen], [rejected]], dtype=torch.float64)
    loss = dpo_loss(*logps, *logps, beta, label_smoothing=smoothing)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-12)


@settings(deadline=None)
@given(nats, nats, nats, nats, st.floats(0.01, 1))
def test_the_loss_falls_when_the_chosen_answer_gains(
    chosen: float, rejected: float, ref_chosen: float, ref_rejected: float, beta: float
) -> None:
    values = [chosen, rejected, ref_chosen, ref_rejected]
    logps = [torch.tensor([v], dtype=torch.float64) for v in values]
    better = dpo_loss(logps[0] + 1.0, *logps[1:], beta)
    assert better.item() < dpo_loss(*logps, beta).item()


@settings(deadline=None)
@given(nats, nats, st.floats(0.01, 1))
def test_the_gradient_pushes_the_two_answers_equally_apart(
    chosen: float, rejected: float, beta: float
) -> None:
    policy = torch.tensor(
        [[chosen], [rejected]], dtype=torch.float64, requires_grad=True
    )
    reference = torch.tensor([[-60.0], [-80.0]], dtype=torch.float64)
    dpo_loss(*policy, *reference, beta).sum().backward()
    assert policy.grad is not None
    margin = preference_margin(*policy.detach(), *reference)
    expected = -beta * torch.sigmoid(-beta * margin).item()
    assert policy.grad[0].item() == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert policy.grad[1].item() == pytest.approx(-expected, rel=1e-9, abs=1e-15)


def test_a_huge_margin_neither_overflows_nor_loses_its_gradient() -> None:
    policy = torch.tensor([-1e6], requires_grad=True)
    loss = dpo_loss(policy, torch.zeros(1), torch.zeros(1), torch.zeros(1), 1.0)
    loss.sum().backward()
    assert loss.item() == pytest.approx(1e6) and policy.grad.item() == -1.0
