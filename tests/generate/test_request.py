import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.generate.config import Sampling
from scratchlm.generate.request import build_request

HOT = Sampling(temperature=1.0, seed=4)


@pytest.fixture
def config(build_model):
    """A context of 48."""
    return build_model().config


@pytest.mark.parametrize(
    ("prompt", "length", "reason"),
    [([], 4, "no tokens"), ([1] * 49, 4, "holds 48"), ([1], -1, "max_new_tokens")],
)
def test_what_cannot_be_generated_is_refused(config, prompt, length, reason):
    with pytest.raises(UserError, match=reason):
        build_request(config, prompt, length, Sampling())


@pytest.mark.parametrize(
    ("n_prompt", "asked", "allowed"), [(1, 9, 9), (40, 9, 9), (41, 9, 8), (48, 9, 1)]
)
def test_the_context_leaves_room_for_all_but_the_last_token(
    config, n_prompt, asked, allowed
):
    assert build_request(config, [1] * n_prompt, asked, HOT).n_allowed == allowed


def test_the_place_in_a_batch_counts_like_the_seed(config):
    one = build_request(config, [1], 20, HOT, index=3).chance
    other = build_request(config, [2, 3], 20, Sampling(temperature=2.0, seed=7)).chance
    assert one is not None and torch.equal(one, other)
    assert build_request(config, [1], 20, Sampling(), index=3).chance is None


def test_a_request_ends_once_and_says_how(config):
    endings = {
        "stop": (20, [5, 6, 9, 7], [5, 6]),
        "length": (3, [5, 6, 7, 8], [5, 6, 7]),
        "context": (90, [5] * 60, [5] * 48),
    }
    for reason, (length, coming, taken) in endings.items():
        request = build_request(config, [1], length, Sampling())
        for id in coming:
            request.take(id, frozenset([9]))
        assert not request.running
        assert request.completion().ids == taken
        assert request.completion().reason == reason
