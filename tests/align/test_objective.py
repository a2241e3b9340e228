"""The preference objective against reference runs, and how it accumulates."""

import json
import math

import numpy as np
import pytest
import torch

from scratchlm.align.batches import PairBatches
from scratchlm.align.config import AlignConfig
from scratchlm.align.log_probs import CHOSEN, pair_log_probs, stack_pairs
from scratchlm.align.objective import Preference
from scratchlm.align.pairs import Pair, build_pairs
from scratchlm.align.reference import reference_log_probs

KEYS = ("input_ids", "completion_mask", "attention_mask")


def read_run(fixtures, name: str) -> dict:
    return json.loads((fixtures / f"pref/{name}.json").read_text())


def to_batch(inputs: dict, reference) -> dict[str, torch.Tensor]:
    """Foreign rows, all chosen before all rejected -> our rows of pairs."""
    n_pairs = len(inputs["input_ids"]) // 2
    answers = [
        split(*row)
        for row in zip(*(inputs[k] for k in KEYS), strict=True)  # ids, completion, real
    ]
    pairs = []
    for (prompt, chosen), (same, rejected) in zip(
        answers[:n_pairs], answers[n_pairs:], strict=True
    ):
        assert prompt == same
        pairs.append(Pair("", "hard", prompt, chosen, rejected))
    batch = {k: torch.from_numpy(v) for k, v in stack_pairs(pairs, 1).items()}
    with torch.no_grad():
        return {**batch, "reference": pair_log_probs(reference, batch)}


def split(ids: list, completion: list, real: list) -> tuple[tuple, tuple]:
    prompt = [i for i, c, r in zip(ids, completion, real, strict=True) if r and not c]
    return tuple(prompt), tuple(i for i, c in zip(ids, completion, strict=True) if c)


@pytest.mark.parametrize("name", ["dpo_sigmoid", "dpo_sigmoid_norm", "dpo_ga2"])
def test_five_steps_repeat_the_published_losses_and_gradient_norms(
    llama, fixtures, name: str
) -> None:
    run = read_run(fixtures, name)
    policy, reference = llama.load("model_policy"), llama.load("model")
    objective = Preference(
        AlignConfig(
            beta=0.1, length_normalised=name == "dpo_sigmoid_norm", sft_weight=0.0
        )
    )
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, weight_decay=0.0)
    parts = [to_batch(m["inputs"], reference) for m in run["microbatches"]]
    per_step = len(parts) // len(run["steps"])
    for number, expected in enumerate(run["steps"]):
        window = {"tokens": torch.zeros(4, 1)}
        losses = []
        for part in parts[number * per_step : (number + 1) * per_step]:
            loss, _ = objective(policy, part, window)
            loss.backward()
            losses.append(loss.item())
        norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        assert sum(losses) == pytest.approx(expected["loss"], abs=5e-6)
        assert norm.item() == pytest.approx(expected["grad_norm"], rel=1e-4)


@pytest.fixture
def batch(model, tokenizer, rows, tmp_path) -> dict[str, torch.Tensor]:
    pairs = build_pairs(tokenizer, rows, 65).pairs
    table = reference_log_probs(model, "w", pairs, 1, tmp_path / "r.safetensors")
    batches = PairBatches(pairs, table, 4, 0, tokenizer.pad_id)
    return {k: torch.from_numpy(v) for k, v in batches.batch(0).items()}


@pytest.mark.parametrize("length_normalised", [True, False])
def test_training_starts_at_ln_2(model, batch, length_normalised: bool) -> None:
    config = AlignConfig(length_normalised=length_normalised, sft_weight=0.0)
    loss, metrics = Preference(config)(model, batch, batch)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)
    assert metrics["align/margin_nats"].item() == pytest.approx(0.0, abs=1e-5)


def test_four_parts_of_one_pair_are_one_part_of_four(model, batch) -> None:
    objective = Preference(AlignConfig(label_smoothing=0.1))
    with torch.no_grad():
        model.lm_head.weight.mul_(1.1)  # away from the reference
    whole, metrics = objective(model, batch, batch)
    whole.backward()
    expected = {n: p.grad.clone() for n, p in model.named_parameters()}
    model.zero_grad()
    total, summed = 0.0, dict.fromkeys(metrics, 0.0)
    for i in range(4):
        part = {k: v[i : i + 1] for k, v in batch.items()}
        loss, values = objective(model, part, batch)
        loss.backward()
        total += loss.item()
        summed = {k: summed[k] + v.item() for k, v in values.items()}
    assert total == pytest.approx(whole.item(), abs=1e-6)
    assert summed == pytest.approx({k: v.item() for k, v in metrics.items()}, abs=1e-5)
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter.grad, expected[name], atol=1e-5), name


def test_the_sft_term_is_the_chosen_answers_mean_likelihood(model, batch) -> None:
    alone, metrics = Preference(AlignConfig(sft_weight=0.0))(model, batch, batch)
    mixed, _ = Preference(AlignConfig(sft_weight=0.5))(model, batch, batch)
    chosen = metrics["align/chosen_logp_nats"].item()
    assert mixed.item() == pytest.approx(alone.item() - 0.5 * chosen, abs=1e-5)


def test_an_ever_stronger_sft_term_only_learns_the_chosen_answer(model, batch) -> None:
    config = AlignConfig(sft_weight=1e6)
    loss, _ = Preference(config)(model, batch, batch)
    loss.backward()
    ours = model.lm_head.weight.grad.clone() / 1e6
    model.zero_grad()
    chosen = pair_log_probs(model, batch)[:, 0]
    logp = chosen / (batch["segments"] == CHOSEN).sum(1)
    (-logp.mean()).backward()
    assert np.allclose(ours, model.lm_head.weight.grad, atol=1e-5)
