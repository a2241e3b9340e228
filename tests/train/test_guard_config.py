import pytest

from scratchlm.base.config import build_config, dump_toml
from scratchlm.base.errors import UserError
from scratchlm.train.guard_config import GuardConfig


def test_the_answers_grow_stronger_and_end_with_a_stop():
    policy = GuardConfig().policy
    first = [policy.index(answer) for answer in ("skip", "rollback", "cut_lr", "stop")]
    assert first == sorted(first)
    assert policy[-1] == "stop"
    assert policy.count("stop") == 1


def test_a_policy_is_written_as_a_list_of_answers():
    config = build_config(GuardConfig, {"policy": ["skip", "stop"]})
    assert config.policy == ("skip", "stop")
    assert 'policy = [\n    "skip",\n    "stop",\n]' in dump_toml(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [("policy", ["wait"]), ("policy", []), ("lr_cut", 1.0), ("calm_steps", 0)],
)
def test_what_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(UserError, match=name):
        build_config(GuardConfig, {name: value})
