import pytest

from scratchlm import __version__
from scratchlm.base.machine import MachineConfig
from scratchlm.train.config import TrainConfig
from scratchlm.train.identity import (
    FREE_SETTINGS,
    Change,
    accepted_note,
    describe_identity,
    find_changes,
    refuse_changes,
)

CONFIG = TrainConfig(total_steps=8, batch_size=4, micro_batch_size=4, context_length=8)
HASH = "0123456789abcdef" * 4


MACHINE = MachineConfig()


def identity(machine=MACHINE, data=HASH, **changes):
    config = TrainConfig.model_validate({**CONFIG.model_dump(), **changes})
    return describe_identity({"train": config, "machine": machine}, {"data": data})


def changes(**what):
    return [str(change) for change in identity(**what).changes_since(identity().values)]


def test_a_run_is_itself():
    assert changes() == []


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ({"seed": 7}, ["train.seed 0 → 7"]),
        ({"beta1": 0.5, "seed": 7}, ["train.beta1 0.9 → 0.5", "train.seed 0 → 7"]),
        ({"max_grad_norm": None}, ["train.max_grad_norm 1.0 → None"]),
        ({"machine": MachineConfig(threads=7)}, ["machine.threads 2 → 7"]),
        ({"data": HASH[::-1]}, ["inputs.data 0123456789ab… → fedcba987654…"]),
    ],
)
def test_what_changed_is_listed_with_both_values(what, lines):
    assert changes(**what) == lines


def test_what_changes_no_bit_may_change():
    assert changes(checkpoint_every_steps=3, hook_every_steps=2) == []


def test_every_free_setting_is_a_setting():
    for name in FREE_SETTINGS:
        section, _, field = name.partition(".")
        assert (
            field
            in {"train": TrainConfig, "machine": MachineConfig}[section].model_fields
        )


def test_packages_and_processor_belong_to_a_run():
    values = identity().values
    assert values["packages"]["scratchlm"] == __version__
    assert values["packages"]["torch"] and values["packages"]["numpy"]
    assert values["processor"]["name"]


def test_asking_mkl_for_other_kernels_is_a_change(monkeypatch):
    before = identity().values
    monkeypatch.setenv("MKL_CBWR", "SSE2")
    [change] = identity().changes_since(before)
    assert change.name == "processor.MKL_CBWR" and "last bits" in change.promise


def test_what_came_and_what_went_is_a_change():
    found = find_changes({"a": {"x": 1, "y": [1]}}, {"a": {"y": (1,)}, "b": 2})
    assert list(map(str, found)) == ["a.x 1 → absent", "b absent → 2"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("machine.threads", "last bits"),
        ("packages.torch", "last bits"),
        ("processor.name", "last bits"),
        ("train.micro_batch_size", "last bits"),
        ("train.matrix_lr", "recipe again"),
        ("packages.scratchlm", "one program"),
        ("model.n_layers", "one network"),
        ("inputs.data", "every text"),
    ],
)
def test_each_change_says_what_it_costs(name, words):
    assert words in Change(name, 1, 2).promise


def test_a_refusal_says_what_where_and_what_to_do():
    found = [Change("train.seed", 0, 7), Change("packages.torch", "2.12", "2.13")]
    line = str(refuse_changes(found, "checkpoint step_000005"))
    for part in (
        "step_000005",
        "train.seed 0 → 7, packages.torch 2.12 → 2.13",
        "--accept-changes",
        "last bits",
        "--restart",
    ):
        assert part in line
    assert "\n" not in line
    note = accepted_note(found, "step_000005")
    assert "train.seed 0 → 7" in note and "no longer promised" in note


def test_a_long_list_is_cut_and_counted():
    many = [Change(f"model.x{i:02}", 0, 1) for i in range(20)]
    line = str(refuse_changes(many, "it"))
    assert "x11 0 → 1 and 8 more" in line and "x12" not in line
