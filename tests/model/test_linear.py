import pytest
import torch

from scratchlm.model.linear import CHUNK_TOKENS, Linear


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n_tokens", [3, CHUNK_TOKENS, 2 * CHUNK_TOKENS + 5])
def test_a_gradient_in_pieces_is_the_gradient(bias, n_tokens):
    torch.manual_seed(0)
    layer = Linear(6, 4, bias=bias)
    x = torch.randn(1, n_tokens, 6, requires_grad=True)
    whole = torch.autograd.grad(layer(x).square().sum(), [x, *layer.parameters()])
    layer.chunked = True
    parts = torch.autograd.grad(layer(x).square().sum(), [x, *layer.parameters()])
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-3)
