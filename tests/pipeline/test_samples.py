"""Laws of what pretraining looks at, and of samples."""

import pytest
import torch

from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.model.transformer import Transformer
from scratchlm.pipeline.samples import (
    SampleHook,
    build_hooks,
    expect_loss,
    note_leakage,
)
from scratchlm.plan.presets import laptop_config
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.train.config import TrainConfig
from scratchlm.train.tracking_config import TrackingConfig

TEXT = "the quick brown fox jumps over the lazy dog; " * 60


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])


@pytest.fixture(scope="module")
def data(tokenizer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    texts = {"train": [TEXT], "heldout": [TEXT, TEXT]}
    build_shards(DataConfig(), texts, tokenizer, directory)
    return directory


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Transformer(laptop_config(1, vocab_size=300, context_length=64)).eval()


def test_a_look_that_is_repeated_after_a_resume_replaces_itself(
    data, tokenizer, model, tmp_path
):
    hook = SampleHook(TokenStore.open(data, "heldout"), tokenizer, tmp_path / "s.jsonl")
    for step in (10, 20, 30, 20):
        hook(step, model)
    rows = read_metrics(tmp_path / "s.jsonl")
    assert [row["step"] for row in rows] == [10, 20]
    assert rows[0]["samples/0_text"] == rows[1]["samples/0_text"], "the same model"
    assert TEXT.startswith(rows[0]["samples/0_prompt"])


def test_without_held_out_text_there_is_nothing_to_look_at(tokenizer, tmp_path):
    build_shards(DataConfig(), {"heldout": []}, tokenizer, tmp_path)
    with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
        assert build_hooks(tmp_path, tokenizer, 64, metrics, tmp_path / "s") == []


def test_ones_own_beginnings_are_continued_too(data, tokenizer, model, tmp_path):
    store, path = TokenStore.open(data, "heldout"), tmp_path / "s.jsonl"
    prompts = ("the lazy", "", "dog " * 100)
    SampleHook(store, tokenizer, path, prompts)(10, model)
    (row,) = read_metrics(path)
    assert row["samples/3_prompt"] == "the lazy"
    assert row["samples/4_prompt"] == tokenizer.decode([tokenizer.endoftext_id])
    assert ("dog " * 100).endswith(row["samples/5_prompt"]), "its end, where it is long"
    assert all(f"samples/{i}_text" in row for i in range(6))


def test_what_is_looked_at_can_be_chosen(data, tokenizer, tmp_path):
    def kinds(note=print, **changes):
        with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
            tracking = TrackingConfig.model_validate(changes)
            path = tmp_path / "s"
            hooks = build_hooks(
                data, tokenizer, 32, metrics, path, tracking=tracking, note=note
            )
        return [type(hook).__name__ for hook in hooks]

    assert kinds() == ["HeldoutHook", "UnitsHook", "SampleHook"]
    assert kinds(sanity=False) == ["HeldoutHook", "SampleHook"]
    assert kinds(note=None) == ["HeldoutHook", "SampleHook"]


def test_a_split_that_went_wrong_is_said_before_training(data, tokenizer):
    said = []
    note_leakage(data, tokenizer, TrackingConfig(), said.append)
    assert said[0].startswith("  ODD: 100.00%") and "“the quick brown fox" in said[0]
    note_leakage(data, tokenizer, TrackingConfig(leakage_tokens=0), said.append)
    note_leakage(data, tokenizer, TrackingConfig(sanity=False), said.append)
    assert len(said) == 1


def train_config(**changes):
    sizes = {"batch_size": 8, "micro_batch_size": 8, "context_length": 256}
    return TrainConfig.model_validate({"total_steps": 900, **sizes, **changes})


def test_a_loss_is_expected_before_and_judged_at_the_end_alone():
    said = []
    shape = laptop_config(6, vocab_size=4096, context_length=256)
    judge = expect_loss(shape, train_config(), 5_000_000, said.append)
    assert len(said) == 1 and "bits per byte" in said[0]
    judge(450, 1.7)
    assert len(said) == 1
    judge(900, 1.7)
    assert said[1].startswith("  sanity: held-out loss 1.700")
    judge(900, 7.0)
    assert said[2].startswith("  ODD: held-out loss 7.000")


def test_text_read_again_is_worth_less():
    said = []
    shape = laptop_config(6, vocab_size=4096, context_length=256)
    for unique_tokens in (5_000_000, 200_000):
        expect_loss(shape, train_config(), unique_tokens, said.append)
    assert said[0] < said[1]


def test_for_a_toy_nothing_is_expected():
    toy = laptop_config(1, vocab_size=300, context_length=64)
    said = []
    assert expect_loss(toy, train_config(total_steps=2), 10**6, said.append) is None
    off = train_config(tracking={"sanity": False})
    shape = laptop_config(6, vocab_size=4096, context_length=256)
    assert expect_loss(shape, off, 10**6, said.append) is None and not said
