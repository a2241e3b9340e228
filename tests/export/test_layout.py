"""Laws of the layouts: nothing is lost, nothing doubled, there and back."""

import numpy as np
import pytest

from scratchlm.export.architecture import choose_architecture
from scratchlm.export.layout import (
    complete,
    gguf_layout,
    huggingface_layout,
    our_names,
)
from scratchlm.export.source import read_source

from .conftest import SHAPES


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("target", ["huggingface", "gguf"])
def test_gathering_and_scattering_give_every_tensor_back(
    name, target, model_directories
):
    source = read_source(model_directories / name)
    config, architecture = source.config, choose_architecture(source.config)
    tensors = complete(config, architecture, source.tensors)
    if target == "gguf":
        entries = list(gguf_layout(config, architecture, list(tensors)))
    else:
        entries = list(huggingface_layout(architecture, list(tensors)))
    assert len({entry.foreign for entry in entries}) == len(entries)
    back = {}
    for entry in entries:
        parts = entry.scatter(entry.gather(tensors), config)
        assert not back.keys() & parts.keys()
        back |= parts
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize("name", SHAPES)
def test_the_expected_names_are_those_of_the_model_and_zero_biases(
    name, model_directories
):
    source = read_source(model_directories / name)
    expected = set(our_names(source.config, choose_architecture(source.config)))
    added = expected - source.tensors.keys()
    assert source.tensors.keys() <= expected
    assert all(entry.endswith(".bias") for entry in added)
    assert bool(added) == (name == "classic_without_biases")


def test_interleaving_puts_the_halves_of_a_head_beside_each_other(model_directories):
    source = read_source(model_directories / "llama")
    entries = gguf_layout(source.config, "llama", list(source.tensors))
    entry = next(e for e in entries if e.foreign == "blk.0.attn_q.weight")
    rows = entry.gather(source.tensors)
    ours = source.tensors["layers.0.self_attn.q_proj.weight"]
    half = source.config.d_head // 2
    assert np.array_equal(rows[0], ours[0])
    assert np.array_equal(rows[1], ours[half])
    assert np.array_equal(rows[2], ours[1])
