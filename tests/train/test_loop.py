import math

import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.progress import Progress
from scratchlm.train.checkpoint_folders import list_folders
from scratchlm.train.checkpoint_policy import CheckpointPolicy
from scratchlm.train.checkpoint_store import CheckpointStore
from scratchlm.train.objective import NextToken
from scratchlm.train.optimizer import Optimizer

BF16 = MachineConfig(threads=1, dtype="bfloat16")


class KilledError(Exception):
    """Stands for a kill between two steps."""


def interrupt_after(step):
    def hook(done, model):
        if done == step:
            raise KilledError

    return hook


def newest(directory):
    with CheckpointStore(directory / "checkpoints", CheckpointPolicy()) as store:
        return store.load_newest()


def same_bits(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one
    )


class Recorded(NextToken):
    """Next token, with a metric of its own and a note of every call."""

    def __init__(self, spoil=None):
        super().__init__()
        self.calls = []
        self.spoil = spoil

    def __call__(self, model, batch, window):
        loss, _ = super().__call__(model, batch, window)
        self.calls.append((len(batch["tokens"]), len(window["tokens"])))
        if self.spoil == len(self.calls):
            loss = loss * math.nan
        return loss, {"train/rows": torch.tensor(float(len(batch["tokens"])))}


def test_the_loss_falls(run):
    trained = run(total_steps=60, matrix_lr=0.02)
    losses = trained.series("train/loss")
    assert losses[0] == pytest.approx(math.log(32), abs=0.1)
    assert losses[-1] < 0.5 * losses[0]
    assert trained.result.final_loss == losses[-1]


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize(("steps", "tolerance"), [(1, 2e-6), (6, 1e-4)])
def test_four_times_one_row_is_one_times_four_rows(
    run, build_model, tmp_path, optimizer, steps, tolerance
):
    """Though rows hold different numbers of counted tokens; rounding grows by steps."""
    changes = {"optimizer": optimizer, "epsilon": 1e-4, "total_steps": steps}
    whole, parts = (
        run(
            build_model(norm_placement="post"),
            tmp_path / str(size),
            micro_batch_size=size,
            warmup_steps=0,
            decay_steps=0,
            **changes,
        )
        for size in (4, 1)
    )
    losses = whole.series("train/loss")
    assert parts.series("train/loss") == pytest.approx(losses, abs=tolerance)
    for name, expected in whole.weights.items():
        found = parts.weights[name]
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


def test_the_same_run_gives_the_same_weights(run, build_model, tmp_path):
    runs = [run(build_model(), tmp_path / copy) for copy in "ab"]
    assert same_bits(runs[0].weights, runs[1].weights)
    other = run(build_model(seed=1), tmp_path / "c")
    assert not same_bits(runs[0].weights, other.weights)


@pytest.mark.parametrize(
    "machine", [MachineConfig(threads=1), BF16], ids=["fp32", "bf16"]
)
@pytest.mark.parametrize("tied", [False, True])
def test_a_resumed_run_ends_with_the_same_bits(
    run, build_model, tmp_path, machine, tied
):
    """Wherever it was interrupted, before a checkpoint or long after one."""
    often = {"checkpoint_every_steps": 2, "hook_every_steps": 1, "machine": machine}
    straight = run(build_model(tied=tied), tmp_path / "straight", **often)
    for step in range(1, 6):
        directory = tmp_path / f"broken-{step}"
        hooks = (interrupt_after(step),)
        with pytest.raises(KilledError):
            run(build_model(tied=tied), directory, hooks=hooks, **often)
        resumed = run(build_model(tied=tied, seed=step), directory, **often)
        last = 2 * ((step - 1) // 2)  # the hooks come before the step's checkpoint
        assert resumed.result.resumed_from_step == (last or None)
        if last:
            assert same_bits(resumed.weights, straight.weights)
            assert resumed.series("train/loss") == straight.series("train/loss")


def test_a_run_interrupted_twice_ends_with_the_same_bits(run, build_model, tmp_path):
    often = {"checkpoint_every_steps": 1, "hook_every_steps": 1}
    straight = run(build_model(), tmp_path / "straight", **often)
    for step in (3, 5):
        with pytest.raises(KilledError):
            run(build_model(), tmp_path / "b", hooks=(interrupt_after(step),), **often)
    assert same_bits(
        run(build_model(), tmp_path / "b", **often).weights, straight.weights
    )


def test_a_damaged_checkpoint_costs_steps_and_no_bit(run, build_model, tmp_path):
    often = {"checkpoint_every_steps": 1, "hook_every_steps": 1}
    straight = run(build_model(), tmp_path / "straight", **often)
    with pytest.raises(KilledError):
        run(build_model(), tmp_path / "b", hooks=(interrupt_after(5),), **often)
    newest = list_folders(tmp_path / "b" / "checkpoints")[-1]
    assert newest.name == "step_000004"
    file = newest / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
    resumed = run(build_model(), tmp_path / "b", **often)
    assert resumed.result.resumed_from_step == 3
    assert same_bits(resumed.weights, straight.weights)


def test_a_finished_run_that_is_asked_again_does_nothing_more(run, build_model):
    first = run(checkpoint_every_steps=6)
    again = run(build_model(seed=1), checkpoint_every_steps=6)
    assert again.result.resumed_from_step == 6
    assert again.result.final_loss == first.result.final_loss
    assert same_bits(first.weights, again.weights)


def test_rows_of_metrics_beyond_the_checkpoint_are_made_again(run):
    often = {"checkpoint_every_steps": 2, "hook_every_steps": 1}
    with pytest.raises(KilledError):
        run(hooks=(interrupt_after(5),), **often)
    assert run(**often).series("step") == [1, 2, 3, 4, 5, 6]


def test_rows_of_a_run_without_a_checkpoint_are_made_again(run):
    with pytest.raises(KilledError):
        run(hooks=(interrupt_after(3),), hook_every_steps=1)
    assert run().series("step") == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("limit", [1e-3, 1e-6])
def test_the_norm_is_logged_before_it_is_clipped(run, tmp_path, monkeypatch, limit):
    """And what the optimizer gets has the limit as its global norm."""
    seen, step = [], Optimizer.step

    def watch(optimizer, *arguments):
        grads = [p.grad for group in optimizer.groups for p in group.parameters]
        seen.append(float(torch.stack([grad.norm() for grad in grads]).norm()))
        step(optimizer, *arguments)

    monkeypatch.setattr(Optimizer, "step", watch)
    once = {"total_steps": 1, "warmup_steps": 0, "decay_steps": 0}
    free = run(directory=tmp_path / "free", max_grad_norm=None, **once)
    held = run(directory=tmp_path / "held", max_grad_norm=limit, **once)
    [norm] = free.series("train/grad_norm")
    assert held.series("train/grad_norm") == [norm]
    assert seen[0] == pytest.approx(norm, rel=1e-5)
    assert seen[0] > 10 * limit
    assert seen[1] == pytest.approx(limit, rel=1e-2)


def test_gradients_below_the_limit_are_left_alone(run, tmp_path):
    wide, free = (
        run(directory=tmp_path / str(limit), max_grad_norm=limit)
        for limit in (1e9, None)
    )
    assert same_bits(wide.weights, free.weights)


def test_a_loss_that_is_not_finite_ends_the_run_if_the_policy_says_so(run, tmp_path):
    stop = {"policy": ("stop",)}
    with pytest.raises(UserError, match=r"step 4: the loss is nan .*lower the learn"):
        run(objective=Recorded(spoil=4), checkpoint_every_steps=2, guard=stop)
    found = newest(tmp_path)
    assert found.step == 2
    assert all(tensor.isfinite().all() for tensor in found.tensors["weights"].values())


def test_a_spike_is_passed_over_and_counted(run):
    class Spiking(NextToken):
        calls = 0

        def __call__(self, model, batch, window):
            self.calls += 1
            factor = 50.0 if self.calls == 40 else 1.0
            return super().__call__(model, batch, window)[0] * factor, {}

    result = run(objective=Spiking(), total_steps=45, matrix_lr=1e-4).result
    assert result.n_events == 1


def test_the_objective_sees_parts_and_their_window(run):
    objective = Recorded()
    trained = run(objective=objective, micro_batch_size=2)
    assert objective.calls == [(2, 4)] * 12
    assert trained.series("train/rows") == [4.0] * 6


def test_hooks_come_after_their_step_in_order_and_at_the_end(run):
    seen = []

    def hook(name):
        def call(done, model):
            assert not model.training
            seen.append((name, done))

        return call

    trained = run(hooks=(hook("a"), hook("b")), hook_every_steps=4)
    assert seen == [("a", 4), ("b", 4), ("a", 6), ("b", 6)]
    assert not trained.model.training


def test_hooks_change_nothing_that_is_learned(run, tmp_path):
    def hook(done, model):
        with torch.no_grad():
            model(torch.zeros(1, 3, dtype=torch.long))

    watched = run(directory=tmp_path / "a", hooks=(hook,), hook_every_steps=1)
    assert same_bits(watched.weights, run(directory=tmp_path / "b").weights)


def test_half_precision_learns_what_float32_learns(run, tmp_path):
    changes = {"total_steps": 60, "matrix_lr": 0.01}
    exact = run(directory=tmp_path / "a", **changes)
    rounded = run(directory=tmp_path / "b", machine=BF16, **changes)
    assert all(w.dtype == torch.float32 for w in rounded.weights.values())
    losses = [trained.series("train/loss") for trained in (exact, rounded)]
    assert losses[1][:5] == pytest.approx(losses[0][:5], rel=0.02)
    assert losses[1][-1] == pytest.approx(losses[0][-1], abs=0.15)


def test_float16_learns_what_float32_learns_and_says_what_it_costs(
    run, tmp_path, capsys
):
    changes = {"total_steps": 40, "matrix_lr": 0.01}
    exact = run(directory=tmp_path / "a", **changes)
    fp16 = MachineConfig(threads=1, dtype="float16")
    rounded = run(
        directory=tmp_path / "b", machine=fp16, progress=Progress("train"), **changes
    )
    assert "10 to 100 times" in capsys.readouterr().err
    scales = rounded.series("train/loss_scale")
    assert min(scales) > 1
    assert rounded.series("train/loss")[-1] == pytest.approx(
        exact.series("train/loss")[-1], abs=0.15
    )


def test_a_step_that_overflows_in_float16_moves_nothing_but_the_scale(run, tmp_path):
    class Steep(NextToken):
        """Gradients that no float16 holds before the scale has been halved often."""

        def __call__(self, model, batch, window):
            return super().__call__(model, batch, window)[0] * 64.0, {}

    fp16 = MachineConfig(threads=1, dtype="float16")
    trained = run(objective=Steep(), machine=fp16, total_steps=12)
    actions = trained.series("train/action")
    assert actions
    assert set(actions) == {"rescale"}
    scales = trained.series("train/loss_scale")
    assert scales[len(actions)] == scales[0] / 2 ** len(actions)
    assert trained.result.n_events == 0


def test_every_learning_rate_follows_the_schedule(run):
    rates = run(matrix_lr=0.02).series("train/lr")
    assert rates == pytest.approx([0.01, 0.02, 0.02, 0.02, 0.02, 0.01])


def test_a_checkpoint_holds_all_state(run, tmp_path):
    run(directory=tmp_path, checkpoint_every_steps=3)
    found = newest(tmp_path)
    assert found.step == 6
    slots = {name.rpartition(".")[2] for name in found.tensors["optimizer"]}
    assert slots == {"momentum", "mean", "square"}
