import pytest
import torch

from scratchlm.quantize.compare import compare_models


def test_a_model_is_itself(build_model, tokens):
    model = build_model()
    same = compare_models(model, model, tokens)
    assert same.kl_nats == 0 and same.top1_agreement_frac == 1
    assert same.loss_nats == same.reference_loss_nats
    assert same.n_tokens == 18 * 23


def test_the_losses_are_the_models_own(build_model, tokens):
    models = build_model(), build_model(mlp="relu2")
    found = compare_models(*models, tokens)
    with torch.no_grad():
        expected = [float(m(tokens[:, :-1], tokens[:, 1:])[1]) for m in models]
    assert found.reference_loss_nats == pytest.approx(expected[0], rel=1e-5)
    assert found.loss_nats == pytest.approx(expected[1], rel=1e-5)
    assert found.kl_nats > 0 and found.top1_agreement_frac < 1


def test_the_divergence_of_two_known_distributions(build_model, tokens):
    """A head of zeros is uniform: the divergence from it is log V less the entropy."""
    model, uniform = build_model(), build_model()
    with torch.no_grad():
        uniform.lm_head.weight.zero_()
        p = model(tokens[:, :-1]).softmax(-1)
    entropy = float(-(p * p.log()).sum(-1).mean())
    divergence = compare_models(uniform, model, tokens).kl_nats
    backwards = compare_models(model, uniform, tokens).kl_nats
    log_vocabulary = float(torch.tensor(64.0).log())
    assert backwards == pytest.approx(log_vocabulary - entropy, rel=1e-4)
    assert divergence > 0 and divergence != pytest.approx(backwards, rel=1e-3)
