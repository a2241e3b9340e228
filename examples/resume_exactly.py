"""A run that is stopped in the middle ends with the same bytes as one that is not.

python examples/resume_exactly.py

Two equal runs learn to count. The second is interrupted twice between its steps, as by
a power cut, and asked for again; at the end both models are compared bit by bit.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from scratchlm.base.hashing import sha256_file
from scratchlm.base.machine import MachineConfig
from scratchlm.model import ModelConfig, Transformer, save_model
from scratchlm.train import NextToken, TrainConfig, train

TEN = 10
CONFIG = TrainConfig(
    total_steps=40,
    batch_size=8,
    micro_batch_size=4,
    context_length=16,
    decay_steps=20,
    checkpoint_every_steps=5,
    hook_every_steps=1,
)


class Counting:
    """Rows that count: 3, 4, 5 … modulo ten. A pure function of the step."""

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """The rows of a step."""
        first = np.random.default_rng(step).integers(TEN, size=(8, 1))
        stream = (first + np.arange(17)) % TEN
        mask = np.ones((8, 16), bool)
        return {"tokens": stream[:, :-1], "targets": stream[:, 1:], "loss_mask": mask}


class PowerCutError(Exception):
    """Somebody pulled the plug."""


def run(folder: Path, cut_after: int | None = None) -> Transformer:
    """Train from wherever the folder stands."""

    def pull_the_plug(steps_done: int, model: Transformer) -> None:
        if steps_done == cut_after:
            raise PowerCutError

    torch.manual_seed(0)
    sizes = {"n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "d_model": 32, "d_ff": 64}
    model = Transformer(ModelConfig(vocab_size=TEN, context_length=16, **sizes))
    machine, hooks = MachineConfig(threads=1), [pull_the_plug]
    result = train(model, NextToken(), Counting(), CONFIG, folder, machine, hooks=hooks)
    print(f"  loss {result.final_loss:.4f}, resumed from {result.resumed_from_step}")
    return model


def main() -> None:
    """Compare the two runs."""
    with tempfile.TemporaryDirectory() as name:
        straight, broken = Path(name) / "straight", Path(name) / "broken"
        print("without a break:")
        save_model(run(straight), straight)
        print("with two power cuts, after steps 13 and 29:")
        for cut in (13, 29):
            try:
                run(broken, cut_after=cut)
            except PowerCutError:
                print(f"  cut after step {cut}")
        save_model(run(broken), broken)
        hashes = [sha256_file(f / "model.safetensors")[:16] for f in (straight, broken)]
    print(f"weights: {hashes[0]} and {hashes[1]}")
    print("the same bytes" if hashes[0] == hashes[1] else "DIFFERENT BYTES")


if __name__ == "__main__":
    main()
