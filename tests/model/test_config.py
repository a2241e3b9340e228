import pytest

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig

SIZES = {
    "vocab_size": 10,
    "context_length": 8,
    "n_layers": 1,
    "n_heads": 2,
    "n_kv_heads": 1,
    "d_model": 4,
    "d_ff": 6,
}


def test_the_width_of_a_head_follows_from_width_and_heads():
    assert ModelConfig(**SIZES).d_head == 2
    assert ModelConfig(**SIZES, d_head=8).d_head == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_kv_heads": 3, "n_heads": 4}, "multiple of n_kv_heads = 3"),
        ({"d_head": 3}, "even d_head, not 3"),
        ({"n_layers": 0}, "n_layers = 0"),
        ({"mlp": "geglu"}, "mlp = 'geglu'"),
        ({"n_layer": 2}, "did you mean 'n_layers'"),
        ({"d_model": "wide"}, "d_model = 'wide'"),
        ({"rope_scaling": "yarn", "position": "none"}, "needs position = 'rope'"),
        ({"qk_scale": 1.2}, "needs qk_norm = 'after_rope'"),
        ({"n_experts": 2, "n_experts_per_token": 3}, "exceeds n_experts = 2"),
        ({"window_pattern": "SLX"}, "window_pattern = 'SLX'"),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused_in_words(changes, message):
    with pytest.raises(UserError, match=message):
        build_config(ModelConfig, {**SIZES, **changes})


def test_learned_positions_take_odd_heads():
    assert ModelConfig(**SIZES, d_head=3, position="learned").d_head == 3


def test_parameters_counted_by_hand():
    # embedding 40 + head 40; q 16, k 8, v 8, o 16; three times 4 · 6; gains 4 + 4 + 4
    plain = ModelConfig(**SIZES, qk_norm=False)
    assert plain.n_parameters == 80 + 48 + 72 + 12
    changed = plain.model_copy
    assert (
        changed(update={"qk_norm": "before_rope"}).n_parameters
        == plain.n_parameters + 4
    )
    assert changed(update={"tied": True}).n_parameters == plain.n_parameters - 40
    assert changed(update={"mlp": "gelu"}).n_parameters == plain.n_parameters - 24
    learned = changed(update={"position": "learned"})
    assert learned.n_parameters == plain.n_parameters + 32


def test_a_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        ModelConfig(**SIZES).n_layers = 3


def test_true_and_false_still_name_the_norm_of_queries_and_keys():
    assert ModelConfig(**SIZES).qk_norm == "before_rope"
    for value, name in ((True, "before_rope"), (False, "none")):
        assert build_config(ModelConfig, {**SIZES, "qk_norm": value}).qk_norm == name


@pytest.mark.parametrize(
    ("pattern", "windows"),
    [
        ("SSSL", [4, 4, 4, None, 4, None]),
        ("SL", [4, None, 4, None, 4, None]),
        ("S", [4] * 6),
        ("L", [None] * 6),
    ],
)
def test_the_pattern_repeats_and_ends_with_all(pattern, windows):
    sizes = {**SIZES, "n_layers": 6}
    config = ModelConfig(**sizes, attention_window=4, window_pattern=pattern)
    assert [config.window(layer) for layer in range(6)] == windows
    plain = ModelConfig(**sizes, window_pattern=pattern)
    assert [plain.window(layer) for layer in range(6)] == [None] * 6


def test_value_embeddings_stand_in_the_last_layer_and_every_second_before():
    for n_layers, expected in ((1, [0]), (4, [1, 3]), (5, [0, 2, 4])):
        sizes = {**SIZES, "n_layers": n_layers}
        config = ModelConfig(**sizes, value_embeddings="alternate")
        layers = filter(config.has_value_embedding, range(n_layers))
        assert list(layers) == expected


def test_experts_share_out_the_width_of_the_dense_network():
    moe = {**SIZES, "d_ff": 12, "n_experts": 4}
    assert ModelConfig(**moe, n_shared_experts=1).expert_width == 4
    assert ModelConfig(**moe, d_expert=7).expert_width == 7


def test_the_context_before_scaling_follows_from_the_factor():
    config = ModelConfig(**SIZES, rope_scaling="linear", rope_factor=4)
    assert config.original_context == 2
    told = config.model_copy(update={"rope_original_context": 3})
    assert told.original_context == 3
