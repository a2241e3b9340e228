"""How long a tuning run is, and what the loop is told."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.align.config import AlignConfig
from scratchlm.finetune.config import FinetuneConfig, TuningConfig


def test_epochs_are_whole_passes_over_the_rows() -> None:
    config = TuningConfig(epochs=3, batch_size=8)
    assert config.count_steps(n_rows=16, n_tokens=1000) == 6
    assert config.count_steps(n_rows=17, n_tokens=1000) == 7


def test_a_limit_of_tokens_ends_a_run_early_and_never_late() -> None:
    config = TuningConfig(epochs=2, batch_size=1, max_tokens=500)
    assert config.count_steps(n_rows=100, n_tokens=1000) == 50
    assert config.count_steps(n_rows=100, n_tokens=100) == 200


@settings(deadline=None)
@given(st.integers(1, 500), st.floats(0, 1), st.floats(0, 1))
def test_warm_up_and_decay_always_fit_into_the_run(
    total: int, warmup: float, decay: float
) -> None:
    config = TuningConfig(warmup_frac=warmup, decay_frac=decay)
    plan = config.train_config(total, 64)
    assert plan.warmup_steps + plan.decay_steps <= plan.total_steps == total


@pytest.mark.parametrize("cls", [FinetuneConfig, AlignConfig])
def test_the_loop_is_told_what_the_config_says(cls: type[TuningConfig]) -> None:
    config = cls(matrix_lr=0.5, batch_size=12, micro_batch_size=3, seed=7)
    plan = config.train_config(10, 64)
    assert (plan.matrix_lr, plan.micro_batch_size, plan.seed) == (0.5, 3, 7)
    assert cls().train_config(10, 64).micro_batch_size == cls().batch_size


def test_configs_are_read_without_torch() -> None:
    code = (
        "import sys, scratchlm.finetune, scratchlm.align\n"
        "from scratchlm.align.config import AlignConfig\n"
        "AlignConfig()\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
