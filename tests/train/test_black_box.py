"""Poisoned steps through the real loop: unharmed, recovered, recorded, explained."""

import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.train.black_box import drop_events_after, list_events
from scratchlm.train.loop import train
from scratchlm.train.objective import NextToken
from scratchlm.train.surroundings import Surroundings

V, T, B = 32, 8, 4
FLOAT32 = MachineConfig(threads=1)
BFLOAT16 = MachineConfig(threads=1, dtype="bfloat16")


class MarkedRows:
    """Rows of a pattern, each with a number that the objective works in."""

    def __init__(self, marks):
        self.marks = marks  # {(batch, row): number}
        self.read = []

    def batch(self, step):
        self.read.append(step)
        first = np.random.default_rng(step).integers(V, size=(B, 1))
        stream = (first + 3 * np.arange(T + 1)) % V
        mark = np.ones(B, dtype=np.float32)
        for (batch, row), number in self.marks.items():
            if batch == step:
                mark[row] = number
        mask = np.ones((B, T), dtype=bool)
        arrays = {"tokens": stream[:, :-1], "targets": stream[:, 1:]}
        return {**arrays, "loss_mask": mask, "mark": mark}


class Marked(NextToken):
    """Row by row: a marked row's loss is multiplied by its mark."""

    def __call__(self, model, batch, window):
        if bool((batch["mark"] == 1).all()):
            return super().__call__(model, batch, window)
        total = torch.zeros(())
        for row in range(len(batch["tokens"])):
            part = {name: rows[row : row + 1] for name, rows in batch.items()}
            loss, _ = super().__call__(model, part, window)
            total = total + loss * part["mark"].squeeze()
        return total, {}


class SpoiledGradient(Marked):
    """A marked row spoils the gradient alone, of one matrix."""

    def __call__(self, model, batch, window):
        loss, values = NextToken.__call__(self, model, batch, window)
        if float(batch["mark"].max()) > 1:
            weight = model.layers[1].self_attn.v_proj.weight
            loss = loss + (weight * 0).abs().sum().sqrt()  # sqrt'(0) = inf
        return loss, values


class SpoiledOnce(NextToken):
    def __init__(self, call):
        super().__init__()
        self.call, self.calls = call, 0

    def __call__(self, model, batch, window):
        self.calls += 1
        loss, values = super().__call__(model, batch, window)
        return loss * math.nan if self.calls == self.call else loss, values


class Ran:
    """A finished run: the weights after each step, and what it left."""

    def __init__(self, directory):
        self.directory = directory
        self.weights = []
        self.result = None
        self.batches = None

    @property
    def events(self):
        def strict(constant):
            raise ValueError(f"{constant} is not JSON")

        return [
            json.loads((path / "event.json").read_text(), parse_constant=strict)
            for path in list_events(self.directory)
        ]

    def series(self, name):
        return [row[name] for row in read_metrics(self.directory / "metrics.jsonl")]

    def kept(self, step):
        """Did step `step` (from 1) leave every weight as it was?"""
        before, after = self.weights[step - 2 : step]
        return all(torch.equal(before[name], after[name]) for name in before)

    @property
    def finite(self):
        return all(w.isfinite().all() for w in self.weights[-1].values())


@pytest.fixture
def go(build_model, build_config, tmp_path):
    """Run 12 steps of batches in which some rows are marked."""

    def train_marked(
        marks=None,
        *,
        objective=None,
        directory=tmp_path,
        machine=FLOAT32,
        hook=None,
        decode=None,
        **changes,
    ):
        ran = Ran(directory)
        ran.batches = MarkedRows(marks or {})

        def watch(done, model):
            named = model.named_parameters()
            ran.weights.append({k: p.detach().float().clone() for k, p in named})
            if hook:
                hook(done, model)

        usual = {
            "total_steps": 12,
            "warmup_steps": 0,
            "decay_steps": 0,
            "matrix_lr": 1e-3,
            "hook_every_steps": 1,
        }
        config = build_config(**{**usual, **changes})
        with MetricsWriter(directory / "metrics.jsonl", "train") as metrics:
            ran.result = train(
                build_model(),
                objective or Marked(),
                ran.batches,
                config,
                directory,
                machine,
                Surroundings(metrics=metrics, hooks=(watch,), decode=decode),
            )
        return ran

    return train_marked


@pytest.mark.parametrize(
    ("poison", "machine"),
    [(math.nan, FLOAT32), (math.inf, FLOAT32), (-math.inf, BFLOAT16)],
)
def test_a_poisoned_batch_leaves_every_weight_as_it_was(go, poison, machine):
    ran = go({(4, 2): poison}, machine=machine)
    assert ran.kept(5)
    assert [ran.kept(step) for step in range(2, 13)].count(True) == 1
    assert ran.finite
    assert ran.result.n_events == 1
    [event] = ran.events
    assert (event["step"], event["batch"], event["action"]) == (5, 4, "skip")
    assert event["kind"] == "non_finite_loss"
    assert event["fault"]["stage"] == "batch"
    assert "the data are damaged" in event["explanation"][0]
    assert "row 2 of 4 gave no finite loss" in event["explanation"][1]


@pytest.mark.parametrize("micro", [1, 2])
def test_one_poisoned_micro_batch_drops_the_whole_step(go, micro):
    ran = go({(4, 3): 2.0}, objective=SpoiledGradient(), micro_batch_size=micro)
    assert ran.kept(5)
    [event] = ran.events
    assert event["kind"] == "non_finite_gradient"
    fault = event["fault"]
    assert fault["stage"] == "backward"
    assert fault["where"] == "layers.1.self_attn.v_proj.weight"
    assert fault["micro_batch"] == 4 // micro - 1
    assert "on the way back" in event["explanation"][0]
    norms = event["parameters"]
    assert norms["layers.1.self_attn.v_proj.weight"]["grad_norm"] == "nan"
    assert norms["layers.0.self_attn.v_proj.weight"]["n_grads_not_finite"] == 0


def test_after_a_skip_the_run_is_that_of_the_other_steps(go, tmp_path):
    """No moment, window or schedule keeps a trace of the poison."""
    one, other = (
        go({(4, 2): poison}, directory=tmp_path / name)
        for name, poison in (("a", math.nan), ("b", math.inf))
    )
    for name, weight in one.weights[-1].items():
        assert torch.equal(weight, other.weights[-1][name])


def test_a_weight_that_is_damaged_in_memory_is_rolled_back(go):
    damaged = []

    def damage(done, model):
        if done == 6 and not damaged:
            damaged.append(done)
            with torch.no_grad():
                model.layers[0].mlp.up_proj.weight[3, 3] = math.nan

    ran = go(hook=damage, checkpoint_every_steps=5, total_steps=20)
    assert ran.finite
    assert [event["action"] for event in ran.events] == ["skip"] * 3 + ["rollback"]
    for event in ran.events:
        fault = event["fault"]
        assert (fault["stage"], fault["n_nan"]) == ("weights", 1)
        assert fault["where"] == "layers.0.mlp.up_proj.weight"
        assert "damaged before this step" in event["explanation"][0]
    assert ran.series("step") == list(range(1, 21))


def test_a_fault_that_does_not_come_again_is_called_one_of_the_machine(go):
    ran = go(objective=SpoiledOnce(call=5))
    assert ran.kept(5)
    [event] = ran.events
    assert event["fault"] is None
    assert "did not come again" in event["explanation"][0]


def test_a_spike_is_laid_upon_its_row(go):
    ran = go(
        {(10, 1): 80.0},
        guard={"fewest_steps": 8},
        decode=lambda ids: "text " + " ".join(map(str, ids)),
    )
    assert ran.kept(11)
    [event] = ran.events
    assert event["kind"] == "loss_spike"
    assert "row 1 of 4 bears the excess" in event["explanation"][0]
    [path] = list_events(ran.directory)
    text = (path / "batch.txt").read_text().splitlines()
    batch = ran.batches.batch(10)
    assert text[0].startswith("--- row 1 · loss ")
    assert text[1] == "text " + " ".join(map(str, batch["tokens"][1]))
    kept = load_file(path / "batch.safetensors")
    assert {name: rows.tolist() for name, rows in kept.items()} == {
        name: rows.tolist() for name, rows in batch.items()
    }


def test_a_batch_of_spikes_is_laid_upon_the_model(go):
    marks = {(10, row): 80.0 for row in range(4)}
    ran = go(marks, guard={"fewest_steps": 8})
    assert "All rows are high alike" in ran.events[0]["explanation"][0]


def test_a_rollback_passes_over_the_data_since_and_goes_on(go):
    policy = ("rollback", "stop")
    ran = go({(7, 0): math.nan}, checkpoint_every_steps=5, guard={"policy": policy})
    assert ran.batches.read == [*range(8), *range(8, 15)]
    [event] = ran.events
    assert (event["step"], event["action"]) == (8, "rollback")
    assert ran.series("step") == list(range(1, 13))
    assert ran.finite


def test_a_cut_lowers_the_learning_rates_for_good(go):
    ran = go({(4, 0): math.nan}, guard={"policy": ("cut_lr",), "lr_cut": 0.25})
    assert ran.kept(5)
    assert ran.series("train/lr")[:4] == pytest.approx([1e-3] * 4)
    assert ran.series("train/lr")[5:] == pytest.approx([2.5e-4] * 7)
    assert ran.events[0]["lr_scale"] == 0.25


def test_when_the_policy_is_at_its_end_the_run_stops_and_the_checkpoint_is_whole(
    go, tmp_path
):
    marks = {(step, 0): math.nan for step in range(7, 99)}
    policy = ("skip", "skip", "stop")
    settings = {"checkpoint_every_steps": 5, "guard": {"policy": policy}}
    with pytest.raises(UserError, match=r"step 10: the loss is nan.*the run stops"):
        go(marks, **settings)
    assert len(list_events(tmp_path)) == 3
    ran = go(**settings)
    assert ran.result.resumed_from_step == 5
    assert ran.finite
    assert list_events(tmp_path) == []


class KilledError(Exception):
    """Stands for a kill between two steps."""


@pytest.mark.parametrize("stop_at", [6, 9])
def test_a_run_killed_around_events_ends_with_the_same_bits_and_files(
    go, tmp_path, stop_at
):
    """Skip, rollback and cut behind it, in the middle of it, or before it."""

    def kill(done, model):
        if done == stop_at and not killed:
            killed.append(done)
            raise KilledError

    killed = [0]
    same = {
        "marks": {(4, 1): math.nan, (7, 0): math.inf, (10, 2): math.nan},
        "guard": {"policy": ("skip", "rollback", "cut_lr", "stop")},
        "checkpoint_every_steps": 3,
    }
    straight = go(directory=tmp_path / "straight", hook=kill, **same)
    assert [event["action"] for event in straight.events] == [
        "skip",
        "rollback",
        "cut_lr",
    ]
    killed.clear()
    with pytest.raises(KilledError):
        go(directory=tmp_path / "killed", hook=kill, **same)
    resumed = go(directory=tmp_path / "killed", hook=kill, **same)
    for name, weight in straight.weights[-1].items():
        assert torch.equal(weight, resumed.weights[-1][name])
    assert resumed.series("train/lr") == straight.series("train/lr")
    for one, other in zip(
        list_events(straight.directory), list_events(resumed.directory), strict=True
    ):
        assert one.name == other.name
        for file in ("event.json", "batch.txt", "batch.safetensors"):
            assert (one / file).read_bytes() == (other / file).read_bytes()


def test_only_so_many_events_are_written_down(go):
    marks = {(step, 0): math.nan for step in range(3, 9)}
    ran = go(marks, guard={"policy": ("skip",), "max_recorded_events": 2})
    assert ran.result.n_events == 6
    assert [event["step"] for event in ran.events] == [4, 5]


def test_events_of_batches_that_are_read_again_are_dropped(tmp_path):
    """The step alone would not tell: after a rollback, its batch is another one."""
    kept = ["step_000003", "step_000007", "step_000008"]
    dropped = ["step_000006_batch_000009", "step_000009_process_1", "step_000011"]
    for name in (*kept, *dropped):
        (tmp_path / "events" / name).mkdir(parents=True)
    drop_events_after(tmp_path, 6 + 2)
    assert [path.name for path in list_events(tmp_path)] == kept
