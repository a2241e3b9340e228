"""How much memory a training step takes: measured by taking one.

On a GPU in this process, with a model that is thrown away, by the allocator's own
peak. On a CPU in a process of its own, `python -m scratchlm.train.memory_trial`, by
the most memory that was resident: nothing is left behind, and where memory runs out
the kernel ends that process and not the run's. The weights are the trial's own and no
random number of the caller is drawn.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from scratchlm.base.allocator import tune_allocator
from scratchlm.base.config import build_config
from scratchlm.base.device import apply_machine
from scratchlm.base.machine import MachineConfig
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.train.config import TrainConfig
from scratchlm.train.gradients import gather_gradients
from scratchlm.train.kernels import choose_kernels
from scratchlm.train.objective import Batch, NextToken
from scratchlm.train.optimizer import Optimizer
from scratchlm.train.precision import MasterWeights

TIMEOUT_S = 300


def measure_step_bytes(
    model: ModelConfig, config: TrainConfig, machine: MachineConfig, rows: Sequence[int]
) -> list[int | None]:
    """Peak bytes of a whole optimizer step, for each size of a micro-batch.

    Args:
        model: the shape.
        config: optimizer, row length, checkpointing.
        machine: device, precision, threads, attention; never compiled.
        rows: sizes to try, rising; after one that does not fit none is tried.

    Returns:
        On a CPU all that the process held, its libraries included; on a GPU all that
        torch held. None where it did not fit.
    """
    on_gpu = machine.device.startswith("cuda")
    found: list[int | None] = [
        *(_trials_on_gpu if on_gpu else _trials_apart)(model, config, machine, rows)
    ]
    return found + [None] * (len(rows) - len(found))


def take_step(
    model: ModelConfig, config: TrainConfig, machine: MachineConfig, rows: Sequence[int]
) -> Iterator[int]:
    """Take an optimizer step for each size; yield the size after it.

    The optimizer's state exists from the first step on, as in a run.
    """
    device = apply_machine(machine)
    drawing = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(drawing), device:
        module = Transformer(model)
    weights = MasterWeights(module.train(), getattr(torch, machine.dtype))
    choose_kernels(
        module,
        machine.model_copy(update={"compile": False}),
        config.activation_checkpointing,
    )
    optimizer = Optimizer(weights.masters, config, d_head=model.d_head)
    objective = NextToken(config.z_loss, document_mask=config.document_mask)
    for n_rows in rows:
        window = _build_window(model, config, n_rows, device)
        with torch.random.fork_rng(drawing):  # dropout draws
            gather_gradients(module, objective, window, n_rows, weights)
        optimizer.step(0, 0.0)
        weights.refresh()
        weights.drop_gradients()
        yield n_rows


def _build_window(
    model: ModelConfig, config: TrainConfig, n_rows: int, device: torch.device
) -> Batch:
    """Rows of the ids 0, 1, 2 …, each row one document."""
    shape = n_rows, config.context_length
    places = torch.arange(config.context_length, device=device).expand(shape)
    tokens = (places % model.vocab_size).contiguous()
    window = {
        "tokens": tokens,
        "targets": tokens.clone(),
        "loss_mask": torch.ones(shape, dtype=torch.bool, device=device),
    }
    if config.document_mask:
        ids = torch.ones(shape, dtype=torch.int64, device=device)
        window |= {"doc_ids": ids, "positions": places.contiguous()}
    return window


def _trials_on_gpu(
    model: ModelConfig, config: TrainConfig, machine: MachineConfig, rows: Sequence[int]
) -> Iterator[int]:
    device = torch.device(machine.device)
    held = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    try:
        for _ in take_step(model, config, machine, rows):
            yield torch.cuda.max_memory_reserved(device) - held
    except torch.cuda.OutOfMemoryError:
        return
    finally:
        torch.cuda.empty_cache()


def _trials_apart(
    model: ModelConfig, config: TrainConfig, machine: MachineConfig, rows: Sequence[int]
) -> Iterator[int]:
    question = {
        "model": model.model_dump(mode="json"),
        "train": config.model_dump(mode="json"),
        "machine": machine.model_dump(mode="json"),
        "rows": list(rows),
    }
    done = subprocess.run(
        [sys.executable, "-m", "scratchlm.train.memory_trial"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode and not _ran_out(done.returncode, done.stderr):
        raise RuntimeError(f"the memory trial failed:\n{done.stderr}")
    yield from map(int, done.stdout.split())


def _ran_out(status: int, errors: str) -> bool:
    """Whether a process ended for want of memory: killed, or refused by malloc."""
    killed = -9
    words = ("can't allocate memory", "not enough memory", "MemoryError")
    return status == killed or any(word in errors for word in words)


def _peak_resident_bytes() -> int:
    """The most memory that this program held since it started."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held, too
        lines = status.read_text().splitlines()
        [peak] = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return 1024 * int(peak)
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _volunteer() -> None:
    """Ask the kernel to end this process first where memory runs out."""
    path = Path("/proc/self/oom_score_adj")
    if path.exists():
        path.write_text("1000")


def _answer() -> None:
    """Take the steps that standard input asks for; print the peak after each."""
    _volunteer()
    tune_allocator()
    question = json.load(sys.stdin)
    model = build_config(ModelConfig, question["model"])
    config = build_config(TrainConfig, question["train"])
    machine = build_config(MachineConfig, question["machine"])
    for _ in take_step(model, config, machine, question["rows"]):
        print(_peak_resident_bytes(), flush=True)


if __name__ == "__main__":
    _answer()
