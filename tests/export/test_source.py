"""Laws of the source: what is exported is what the model computes with."""

import numpy as np
import torch

from scratchlm.export.source import read_source


def test_every_parameter_is_there_once_and_a_tied_head_not_again(model_directories):
    tied = read_source(model_directories / "classic")
    free = read_source(model_directories / "classic_untied")
    assert "lm_head.weight" not in tied.tensors
    assert free.tensors.keys() - tied.tensors.keys() == {"lm_head.weight"}
    for source in (tied, free):
        count = sum(array.size for array in source.tensors.values())
        assert count == source.config.n_parameters


def test_a_quantised_layer_is_decoded(model_directories):
    source = read_source(model_directories / "classic_4_bits")
    name = "layers.1.mlp.up_proj"
    layer = source.model.get_submodule(name)
    x = torch.eye(64)
    with torch.no_grad():
        product = layer(x) - layer.bias
    decoded = source.tensors[f"{name}.weight"].T
    assert np.allclose(product.numpy(), decoded, atol=1e-6)
    count = sum(array.size for array in source.tensors.values())
    assert count == source.config.n_parameters
