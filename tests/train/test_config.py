import pytest

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.train.config import TrainConfig

LEAST = {
    "total_steps": 10,
    "batch_size": 8,
    "micro_batch_size": 4,
    "context_length": 16,
}


def test_tokens_are_counted_by_optimizer_steps():
    config = TrainConfig(**LEAST)
    assert config.tokens_per_step == 128
    assert config.total_tokens == 1280


def test_gradients_are_clipped_unless_somebody_says_otherwise():
    assert TrainConfig(**LEAST).max_grad_norm == 1.0
    assert TrainConfig(**LEAST, max_grad_norm=None).max_grad_norm is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"micro_batch_size": 3}, "batch_size = 8 is not a multiple"),
        ({"warmup_steps": 6, "decay_steps": 5}, "exceed total_steps = 10"),
        ({"max_grad_norm": 0}, "max_grad_norm = 0"),
        ({"beta2": 1.0}, "beta2 = 1.0"),
        ({"learning_rate": 1e-3}, "unknown key 'learning_rate'"),
        ({"warmup": 2}, "did you mean 'warmup_steps'"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(changes, message):
    with pytest.raises(UserError, match=message):
        build_config(TrainConfig, {**LEAST, **changes})
