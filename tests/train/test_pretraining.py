import pytest
import torch

from scratchlm.base.machine import MachineConfig
from scratchlm.data import DataConfig, build_shards
from scratchlm.model.config import ModelConfig
from scratchlm.model.weights import load_model
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.train.pretraining import pretrain

TEXTS = [f"line {i} of a text that repeats itself, line by line\n" for i in range(60)]
MACHINE = MachineConfig(threads=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), TEXTS)
    splits = {"train": TEXTS, "heldout": TEXTS[:1]}
    build_shards(DataConfig(), splits, tokenizer, directory)
    return directory


@pytest.fixture
def pretrained(build_config, data):
    """Pretrain into a directory; returns the bytes of the model."""

    def run(directory, hooks=(), **changes):
        config = build_config(checkpoint_every_steps=2, hook_every_steps=1, **changes)
        sizes = {"n_layers": 1, "n_heads": 2, "n_kv_heads": 1, "d_model": 8, "d_ff": 8}
        shape = ModelConfig(vocab_size=300, context_length=8, **sizes)
        path = pretrain(config, shape, data, directory, MACHINE, hooks=hooks)
        return (path / "model.safetensors").read_bytes()

    return run


def test_it_writes_a_model_and_leaves_no_checkpoints(pretrained, tmp_path):
    assert pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert load_model(tmp_path / "model").config.n_layers == 1


def test_the_same_seed_gives_the_same_bytes(pretrained, tmp_path):
    torch.manual_seed(5)  # what happened before in the process plays no part
    first = pretrained(tmp_path / "a")
    assert pretrained(tmp_path / "b") == first
    assert pretrained(tmp_path / "c", seed=1) != first


def test_a_run_that_was_stopped_gives_the_same_bytes(pretrained, tmp_path):
    def stop(done, model):
        if done == 5:
            raise KeyboardInterrupt

    expected = pretrained(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        pretrained(tmp_path / "b", (stop,))
    assert pretrained(tmp_path / "b") == expected
