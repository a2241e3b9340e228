import torch

from scratchlm.train.precision import MasterWeights

TOKENS = torch.arange(8).expand(2, 8)


def backward(model):
    model.loss(TOKENS, (TOKENS + 1) % 32).backward()


def test_in_float32_the_masters_are_the_parameters(build_model):
    model = build_model()
    weights = MasterWeights(model, torch.float32)
    assert all(weights.masters[n] is p for n, p in model.named_parameters())


def test_only_the_blocks_matrices_are_rounded(build_model):
    model = build_model()
    weights = MasterWeights(model, torch.bfloat16)
    for name, parameter in model.named_parameters():
        is_rounded = parameter.dtype == torch.bfloat16
        assert is_rounded == (name.startswith("layers.") and parameter.dim() == 2), name
        assert weights.masters[name].dtype == torch.float32


def test_gradients_reach_the_masters_and_add_up_there(build_model):
    model = build_model(norm_placement="post")
    weights = MasterWeights(model, torch.bfloat16)
    seen = []
    for _ in range(2):
        backward(model)
        weights.collect_gradients()
        seen.append({n: m.grad.clone() for n, m in weights.masters.items()})
    for name, grad in seen[1].items():
        assert grad.dtype == torch.float32
        torch.testing.assert_close(grad, 2 * seen[0][name])
        assert seen[0][name].abs().max() > 0, name


def test_a_step_too_small_for_half_precision_is_not_lost(build_model):
    """Three hundred steps of 1e-4 move a weight of 1 by 0.03, not by nothing."""
    model = build_model()
    weights = MasterWeights(model, torch.bfloat16)
    name = "layers.0.mlp.up_proj.weight"
    weights.masters[name].fill_(1.0)
    for _ in range(300):
        weights.masters[name] -= 1e-4
        weights.refresh()
    copy = dict(model.named_parameters())[name]
    assert torch.equal(copy, torch.full_like(copy, 0.97))


def test_at_the_end_the_model_holds_the_masters(build_model):
    model = build_model()
    weights = MasterWeights(model, torch.bfloat16)
    masters = {n: m.detach().clone() for n, m in weights.masters.items()}
    weights.release()
    assert model.compute_dtype == torch.float32
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, masters[name])
    assert model(TOKENS).dtype == torch.float32


def test_a_tied_head_has_one_master(build_model):
    weights = MasterWeights(build_model(tied=True), torch.bfloat16)
    assert "lm_head.weight" not in weights.masters
