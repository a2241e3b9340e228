import pytest
import torch
from torch import nn

from scratchlm.quantize.calibrate import collect_statistics, output_energy

NAME = "layers.1.mlp.down_proj"


def inputs_of(model, name, tokens):
    """The inputs of one layer, (n, C), caught in one pass over all tokens."""
    seen = []
    handle = model.get_submodule(name).register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].flatten(0, 1))
    )
    with torch.no_grad():
        model(tokens)
    handle.remove()
    return torch.cat(seen)


@pytest.mark.parametrize("batch_size", [5, 64])
def test_moments_are_those_of_all_tokens_together(model, tokens, batch_size):
    x = inputs_of(model, NAME, tokens)
    found = collect_statistics(model, [NAME], tokens, batch_size)[NAME]
    torch.testing.assert_close(found.gram, x.t() @ x / len(x), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.abs_mean, x.abs().mean(0))


def test_the_energy_of_a_difference_is_the_error_of_the_outputs(build_model, tokens):
    model = build_model()
    x = inputs_of(model, NAME, tokens)
    gram = collect_statistics(model, [NAME], tokens)[NAME].gram
    change = torch.randn(7, x.shape[1], generator=torch.Generator().manual_seed(2))
    expected = (x @ change.t()).square().sum(1).mean()
    assert float(output_energy(change, gram)) == pytest.approx(float(expected), 1e-4)


def test_nothing_watches_the_model_afterwards(build_model, tokens):
    model = build_model()
    before = model(tokens)
    collect_statistics(model, [NAME], tokens)
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    assert not any(layer._forward_pre_hooks for layer in linear)
    assert torch.equal(model(tokens), before)
