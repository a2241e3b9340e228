import pytest
import torch

from scratchlm.generate.cache import KVCache


def random_tokens(model, batch, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, length)
    return torch.randint(model.config.vocab_size, shape, generator=generator)


@pytest.mark.parametrize("pieces", [[1] * 12, [7, 1, 4]])
def test_with_the_cache_logits_are_those_without_it(model, pieces):
    tokens = random_tokens(model, 3, sum(pieces))
    cache = KVCache(model.config, 3, 20)
    with torch.no_grad():
        expected = model(tokens)
        seen = [model(piece, cache=cache) for piece in tokens.split(pieces, dim=1)]
    assert cache.length == 12
    torch.testing.assert_close(torch.cat(seen, dim=1), expected, atol=1e-5, rtol=1e-5)


def test_the_length_moves_when_the_last_layer_has_written(build_model):
    model = build_model()
    cache = KVCache(model.config, 1, 8)
    heads, width = model.config.n_kv_heads, model.config.d_head
    new = torch.ones(1, heads, 3, width)
    for layer in range(model.config.n_layers):
        assert cache.length == 0
        k, v = cache.update(layer, new, 2 * new)
        assert torch.equal(k, new) and torch.equal(v, 2 * new)
    assert cache.length == 3


def test_the_memory_is_allocated_once(build_model):
    model = build_model()
    cache = KVCache(model.config, 1, 8)
    before = [tensor.data_ptr() for tensor in (*cache.keys, *cache.values)]
    with torch.no_grad():
        for piece in random_tokens(model, 1, 8).split(4, dim=1):
            model(piece, cache=cache)
    assert before == [tensor.data_ptr() for tensor in (*cache.keys, *cache.values)]


def test_a_full_cache_refuses_more(build_model):
    model = build_model()
    cache = KVCache(model.config, 1, 4)
    with torch.no_grad():
        model(random_tokens(model, 1, 4), cache=cache)
        with pytest.raises(AssertionError, match="holds 4"):
            model(random_tokens(model, 1, 1), cache=cache)


def test_kept_rows_continue_as_if_they_had_always_been_alone(build_model):
    model = build_model()
    tokens = random_tokens(model, 4, 9)
    cache = KVCache(model.config, 4, 16)
    rows = torch.tensor([3, 1])
    with torch.no_grad():
        model(tokens[:, :8], cache=cache)
        cache.keep(rows)
        continued = model(tokens[rows, 8:], cache=cache)
        expected = model(tokens[rows])[:, 8:]
    torch.testing.assert_close(continued, expected, atol=1e-5, rtol=1e-5)
