"""Laws of the arithmetic that a token costs."""

from scratchlm.model.config import ModelConfig
from scratchlm.plan import estimate_forward_flops, estimate_training_flops, preset
from scratchlm.plan.flops import estimate_muon_flops

TINY = ModelConfig.model_validate(
    {"vocab_size": 10, "context_length": 3, "n_layers": 1, "n_heads": 2}
    | {"n_kv_heads": 1, "d_model": 4, "d_ff": 6}
)
# matrices: q and o 4 x 4, k and v 4 x 2, SwiGLU 3 of 4 x 6, head 10 x 4
MULTIPLIED = 2 * 16 + 2 * 8 + 3 * 24 + 40


def test_a_hand_computed_model_costs_its_matrices_and_causal_attention():
    # tokens see 1, 2, 3 keys: 2 on average; 2 products x 2 heads x 2 channels
    attention = 2 * 2 * 2 * 2 * 2
    assert estimate_forward_flops(TINY) == 2 * MULTIPLIED + attention
    assert estimate_training_flops(TINY) == 3 * (2 * MULTIPLIED + attention)


def test_full_attention_counts_the_whole_square():
    difference = estimate_forward_flops(TINY, attention="full") - 2 * MULTIPLIED
    assert difference == 2 * 2 * 2 * 2 * 3


def test_seven_billion_cost_six_times_their_matrices():
    config = preset("7b")
    matrices = 6_738_415_616 - 32_000 * 4096 - 65 * 4096
    attention = 3 * 32 * 4 * 4096 * (4096 + 1) / 2
    assert estimate_training_flops(config) == 6 * matrices + attention


def test_torch_counts_the_same_forward_arithmetic():
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from scratchlm.model.transformer import Transformer

    config = preset("depth-2").model_copy(update={"context_length": 16})
    model = Transformer(config)
    plain = sdpa_kernel(SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), plain:
        model(torch.zeros(1, 16, dtype=torch.int64))
    counted = counter.get_total_flops() / 16
    expected = estimate_forward_flops(config, attention="full")
    assert counted == expected


def test_muon_costs_by_the_matrix_and_not_by_the_batch():
    # per matrix m x n (m <= n), an iteration: 2 products m m n and one m m m
    def once(m, n):
        return 2 * (2 * m * m * n + m**3)

    per_layer = 2 * once(4, 4) + 2 * once(2, 4) + 3 * once(4, 6)
    assert estimate_muon_flops(TINY) == 5 * per_layer
