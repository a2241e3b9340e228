"""Alignment end to end on a tiny model: it learns, resumes, and repeats its bytes."""

import json
from pathlib import Path

import pytest
import torch

from scratchlm.align.accuracy import preference_accuracy
from scratchlm.align.alignment import align
from scratchlm.align.config import AlignConfig
from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.model.weights import load_model, save_model
from scratchlm.tokenizer.tokenizer import Tokenizer

MACHINE = MachineConfig(threads=1)
CONFIG = AlignConfig(epochs=10, batch_size=8, checkpoint_every_steps=7)
FILES = ("model/model.safetensors", "model/model.json", "receipt.json")


class KilledError(Exception):
    """Stands for a kill −9 between two steps."""


def kill_at(step: int):
    def hook(done: int, model: torch.nn.Module) -> None:
        if done == step:
            raise KilledError

    return hook


def artefacts(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def sft_model(tokenizer, build_model, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("sft") / "model"
    save_model(build_model(tokenizer.vocab_size), directory)
    return directory


@pytest.fixture(scope="module")
def aligned(sft_model, tokenizer, rows, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    with MetricsWriter(directory / "metrics.jsonl", "align") as metrics:
        align(CONFIG, sft_model, tokenizer, rows, directory / "a", MACHINE, metrics)
    return directory / "a"


def test_the_model_learns_to_prefer_the_chosen_answers(
    aligned, sft_model, tokenizer, rows
) -> None:
    before = preference_accuracy(load_model(sft_model), tokenizer, rows)
    after = preference_accuracy(load_model(aligned / "model"), tokenizer, rows)
    assert sum(s.is_right for s in after) >= sum(s.is_right for s in before)
    steps = read_metrics(aligned.parent / "metrics.jsonl")
    assert steps[0]["align/dpo_loss"] == pytest.approx(0.693147, abs=1e-4)
    assert steps[-1]["align/dpo_loss"] < 0.6


def test_two_runs_give_the_same_bytes(
    aligned, sft_model, tokenizer, rows, tmp_path
) -> None:
    align(CONFIG, sft_model, tokenizer, rows, tmp_path / "b", MACHINE)
    assert artefacts(tmp_path / "b") == artefacts(aligned)


@pytest.mark.parametrize("step", [5, 18])
def test_a_killed_run_ends_with_the_same_bytes(
    aligned, sft_model, tokenizer, rows, tmp_path, step: int
) -> None:
    arguments = (sft_model, tokenizer, rows, tmp_path / "k", MACHINE)
    watched = CONFIG.model_copy(update={"hook_every_steps": 1})
    with pytest.raises(KilledError):
        align(watched, *arguments, hooks=[kill_at(step)])
    align(CONFIG, *arguments)
    assert artefacts(tmp_path / "k") == artefacts(aligned)


def test_the_receipt_names_what_was_used_and_what_was_not(aligned, rows) -> None:
    receipt = json.loads((aligned / "receipt.json").read_text())
    assert receipt["preferences"]["pairs"] == len(rows)
    assert receipt["preferences"]["by_kind"] == {"hard": 8, "truncated": 8}
    assert receipt["epochs"] == 10 and receipt["train"]["total_steps"] == 20


def test_a_finished_stage_leaves_no_checkpoints(aligned) -> None:
    names = sorted(path.name for path in aligned.iterdir())
    assert names == ["model", "receipt.json", "reference.safetensors"]


def test_low_precision_starts_at_ln_2_too(sft_model, tokenizer, rows, tmp_path) -> None:
    machine = MachineConfig(threads=1, dtype="bfloat16")
    config = AlignConfig(batch_size=8, epochs=0.5)
    with MetricsWriter(tmp_path / "m.jsonl", "align") as metrics:
        where = tmp_path / "l"
        align(config, sft_model, tokenizer, rows, where, machine, metrics)
    (first, *_) = read_metrics(tmp_path / "m.jsonl")
    assert first["align/dpo_loss"] == pytest.approx(0.6931, abs=5e-3)


def test_pairs_that_do_not_fit_are_one_clear_line(
    sft_model, tokenizer, rows, tmp_path
) -> None:
    long = [{**row, "chosen": "x" * 100} for row in rows]
    with pytest.raises(UserError, match="none of 16 preference pairs"):
        align(CONFIG, sft_model, tokenizer, long, tmp_path / "c", MACHINE)


def test_a_foreign_tokenizer_is_refused(sft_model, rows, tmp_path) -> None:
    foreign = Tokenizer.own([(97, 98)])
    with pytest.raises(UserError, match="vocabulary"):
        align(CONFIG, sft_model, foreign, rows, tmp_path / "c", MACHINE)
