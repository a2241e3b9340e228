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
