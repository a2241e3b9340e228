"""Laws of the arithmetic that tokens and steps cost."""

from scratchlm.model.config import ModelConfig
from scratchlm.plan import estimate_training_flops, preset
from scratchlm.plan.flops import estimate_muon_flops

TINY = ModelConfig.model_validate(
    {"vocab_size": 10, "context_length": 3, "n_layers": 1, "n_heads": 2}
    | {"n_kv_heads": 1, "d_model": 4, "d_ff": 6}
)


def once(m, n):
    """An iteration of Newton-Schulz on m x n, m <= n: twice m m n, and m m m."""
    return 2 * (2 * m * m * n + m**3)


def test_seven_billion_cost_six_times_their_matrices():
    config = preset("7b")
    matrices = 6_738_415_616 - 32_000 * 4096 - 65 * 4096
    attention = 3 * 32 * 4 * 4096 * (4096 + 1) / 2
    assert estimate_training_flops(config) == 6 * matrices + attention


def test_muon_costs_by_the_matrix_and_not_by_the_batch():
    per_layer = 2 * once(4, 4) + 2 * once(2, 4) + 3 * once(4, 6)
    assert estimate_muon_flops(TINY) == 5 * per_layer
    assert estimate_muon_flops(TINY, 3) == 3 * per_layer


def test_every_expert_is_a_matrix_of_its_own_to_muon():
    mixture = TINY.model_copy(update={"n_experts": 8, "d_expert": 6})
    attention = 2 * once(4, 4) + 2 * once(2, 4)
    experts = once(4, 8) + 8 * 3 * once(4, 6)  # the router is 8 x 4
    assert estimate_muon_flops(mixture) == 5 * (attention + experts)
