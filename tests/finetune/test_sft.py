"""Supervised fine-tuning: a reference run, and a tiny one from end to end."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.finetune.config import FinetuneConfig
from scratchlm.finetune.sft import finetune
from scratchlm.generate import generate
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_model, load_tensors
from scratchlm.tokenizer.chat import render_conversation
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.train.objective import NextToken

MACHINE = MachineConfig(threads=1)
CONFIG = FinetuneConfig(
    epochs=60,
    batch_size=4,
    checkpoint_every_steps=7,
    context_length=48,
    matrix_lr=0.05,
    embed_lr=0.03,
    head_lr=0.03,
)
FILES = ("model/model.safetensors", "model/model.json", "receipt.json")
LLAMA = ModelConfig(
    vocab_size=512,
    context_length=512,
    n_layers=2,
    n_heads=4,
    n_kv_heads=2,
    d_model=64,
    d_ff=176,
    qk_norm=False,
    norm_epsilon=1e-5,
)


def to_window(parts: list[dict]) -> dict[str, torch.Tensor]:
    """Foreign micro-batches (`labels`, −100 = not counted) -> one padded window."""
    width = max(len(row) for part in parts for row in part["labels"])
    rows = {
        name: torch.tensor(
            [r + [fill] * (width - len(r)) for p in parts for r in p[name]]
        )
        for name, fill in (("input_ids", 1), ("labels", -100))
    }
    targets = rows["labels"][:, 1:]
    return {
        "tokens": rows["input_ids"][:, :-1],
        "targets": targets.clamp(min=0),
        "loss_mask": targets != -100,
    }


@pytest.mark.parametrize("micro_batch_size", [4, 1, 2])
@pytest.mark.parametrize("name", ["assistant_only", "assistant_only_ga4"])
def test_five_steps_repeat_the_published_losses_however_they_are_cut(
    fixtures, name: str, micro_batch_size: int
) -> None:
    run = json.loads((fixtures / f"sft/{name}.json").read_text())
    foreign = load_file(fixtures / "model/model.safetensors")
    model = Transformer(LLAMA)
    load_tensors(model, {k.removeprefix("model."): v for k, v in foreign.items()}, "")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    parts = [m["inputs"] for m in run["microbatches"]]
    per_step = len(parts) // len(run["steps"])
    for number, expected in enumerate(run["steps"]):
        window = to_window(parts[number * per_step : (number + 1) * per_step])
        total = 0.0
        for at in range(0, 4, micro_batch_size):
            part = {k: v[at : at + micro_batch_size] for k, v in window.items()}
            loss, _ = NextToken()(model, part, window)
            loss.backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        assert total == pytest.approx(expected["loss"], abs=5e-6)
        assert norm.item() == pytest.approx(expected["grad_norm"], rel=1e-4)


class KilledError(Exception):
    """Stands for a kill −9 between two steps."""


def artefacts(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def tuned(base_model, tokenizer, rows, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    with MetricsWriter(directory / "metrics.jsonl", "finetune") as metrics:
        finetune(CONFIG, base_model, tokenizer, rows, directory / "a", MACHINE, metrics)
    return directory / "a"


def test_the_model_learns_to_answer_and_to_stop(tuned, tokenizer, rows) -> None:
    model = load_model(tuned / "model")
    prompts = [
        render_conversation(tokenizer, row["messages"][:1], True)[0] for row in rows
    ]
    answers = generate(model, prompts, 20, [tokenizer.end_of_turn_id])
    assert all(answer.stopped for answer in answers)
    losses = [m["train/loss"] for m in read_metrics(tuned.parent / "metrics.jsonl")]
    assert losses[0] > 4 and losses[-1] < 1


def test_two_runs_give_the_same_bytes(
    tuned, base_model, tokenizer, rows, tmp_path
) -> None:
    finetune(CONFIG, base_model, tokenizer, rows, tmp_path / "b", MACHINE)
    assert artefacts(tmp_path / "b") == artefacts(tuned)


def test_a_killed_run_ends_with_the_same_bytes(
    tuned, base_model, tokenizer, rows, tmp_path
) -> None:
    def kill(done: int, model: torch.nn.Module) -> None:
        if done == 16:
            raise KilledError

    watched = CONFIG.model_copy(update={"hook_every_steps": 8})
    arguments = (base_model, tokenizer, rows, tmp_path / "k", MACHINE)
    with pytest.raises(KilledError):
        finetune(watched, *arguments, hooks=[kill])
    finetune(CONFIG, *arguments)
    assert artefacts(tmp_path / "k") == artefacts(tuned)


def test_the_receipt_names_what_was_used(tuned, rows) -> None:
    receipt = json.loads((tuned / "receipt.json").read_text())
    assert receipt["conversations"]["examples"] == len(rows)
    assert receipt["epochs"] == pytest.approx(60, abs=1)
    left = {path.name for path in tuned.iterdir()} - {"events"}  # sixty epochs may jump
    assert left == {"model", "receipt.json"}


def test_conversations_without_an_answer_are_one_clear_line(
    base_model, tokenizer, rows, tmp_path
) -> None:
    silent = [{**row, "messages": row["messages"][:1]} for row in rows]
    with pytest.raises(UserError, match="none of 6 conversations"):
        finetune(CONFIG, base_model, tokenizer, silent, tmp_path, MACHINE)


def test_a_context_longer_than_the_models_is_refused(
    base_model, tokenizer, rows, tmp_path
) -> None:
    config = CONFIG.model_copy(update={"context_length": 65})
    with pytest.raises(UserError, match="longer than the context"):
        finetune(config, base_model, tokenizer, rows, tmp_path, MACHINE)


def test_a_foreign_tokenizer_is_refused(base_model, rows, tmp_path) -> None:
    with pytest.raises(UserError, match="vocabulary"):
        finetune(CONFIG, base_model, Tokenizer.own([(97, 98)]), rows, tmp_path, MACHINE)
