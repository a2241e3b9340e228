"""Laws of the tracking settings."""

import subprocess
import sys

import pytest

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.base.sinks import TRACKERS
from scratchlm.train.tracking_config import TrackingConfig


def test_every_tracker_can_be_named():
    config = build_config(TrackingConfig, {"sinks": list(TRACKERS)})
    assert config.sinks == TRACKERS


def test_names_may_be_written_as_one_word_and_a_prompt_as_one_text():
    said = {"sinks": "tensorboard, trackio", "prompts": "Once, upon"}
    config = build_config(TrackingConfig, said)
    assert config.sinks == ("tensorboard", "trackio")
    assert config.prompts == ("Once, upon",)
    assert build_config(TrackingConfig, {"sinks": ""}).sinks == ()


def test_an_unknown_tracker_is_refused_by_name():
    with pytest.raises(UserError, match="mlflow"):
        build_config(TrackingConfig, {"sinks": ["mlflow"]})


def test_by_default_nothing_but_the_file_is_written():
    assert TrackingConfig().sinks == ()


def test_reading_the_settings_needs_no_torch():
    code = (
        "import sys, scratchlm.train.tracking_config; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
