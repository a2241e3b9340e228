"""Laws of the loss that a size and so many tokens usually reach."""

import math

import pytest

from scratchlm.train import expected_loss as law
from scratchlm.train.expected_loss import KNOWN, expected_bits_per_byte, loss_band


def misfit():
    """Huber's loss of the curve on all known runs, on the logarithm."""
    total = 0.0
    for known in KNOWN:
        curve = expected_bits_per_byte(known.weights, known.tokens)
        error = abs(math.log(curve / known.bits_per_byte))
        total += error**2 / 2 if error < 0.15 else 0.15 * (error - 0.075)
    return total


@pytest.mark.parametrize("known", KNOWN)
def test_every_known_run_lies_in_its_band(known):
    assert loss_band(known.weights, known.tokens).judge(known.bits_per_byte).normal


@pytest.mark.parametrize(
    "name", ["SIZE_FACTOR", "SIZE_EXPONENT", "DATA_FACTOR", "DATA_EXPONENT"]
)
@pytest.mark.parametrize("change", [0.95, 1.05])
def test_the_constants_are_those_that_fit_the_known_runs(name, change, monkeypatch):
    best = misfit()
    monkeypatch.setattr(law, name, getattr(law, name) * change)
    assert misfit() > best - 1e-4


def test_more_of_either_is_never_expected_to_be_worse():
    for weights in (1e6, 1e8):
        for tokens in (1e6, 1e9):
            here = expected_bits_per_byte(weights, tokens)
            assert expected_bits_per_byte(2 * weights, tokens) < here
            assert expected_bits_per_byte(weights, 2 * tokens) < here
            assert here > law.ENTROPY


def test_where_no_run_is_known_nothing_is_expected():
    assert loss_band(1e4, 1e7) is None
    assert loss_band(1e7, 1e3) is None
    assert loss_band(1e7, 1e13) is None


def test_too_high_and_too_low_have_different_causes():
    band = loss_band(2e6, 2e6)
    assert "learning rates" in band.judge(2 * band.expected).text
    assert "held-out text" in band.judge(band.expected / 2).text
    assert f"{band}" in band.judge(band.expected).text
