"""Laws of what is varied."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline.variants import flatten_settings, read_variants


def said(*arguments, **options):
    found = read_variants(*arguments, **options)
    return {v.label: flatten_settings(v.settings) for v in found}


def test_each_value_is_a_variant():
    assert said(["model.mlp=swiglu,relu2", "train.matrix_lr=0.01"]) == {
        "mlp=swiglu": {"model.mlp": "swiglu"},
        "mlp=relu2": {"model.mlp": "relu2"},
        "matrix_lr=0.01": {"train.matrix_lr": 0.01},
    }


def test_a_comma_inside_brackets_separates_nothing():
    found = said(["train.batch_stages=[[5,2],[5,4]],[]"])
    assert list(found.values()) == [
        {"train.batch_stages": [[5, 2], [5, 4]]},
        {"train.batch_stages": []},
    ]


def test_settings_that_go_together_are_one_variant():
    assert said([], ["model.mlp=gelu model.bias=true"]) == {
        "mlp=gelu, bias=true": {"model.mlp": "gelu", "model.bias": True}
    }


def test_a_grid_is_every_combination():
    found = said(["model.tied=true,false", "model.bias=true,false"], grid=True)
    assert len(found) == 4
    assert {"model.tied": False, "model.bias": True} in found.values()


def test_the_same_variant_twice_is_one():
    assert len(said(["model.tied=true", "model.tied=true,false"])) == 2


@pytest.mark.parametrize("text", ["mlp=relu2", "model.mlp", "model.mlp="])
def test_what_is_no_setting_is_refused_with_an_example(text):
    with pytest.raises(UserError, match=r"SECTION\.KEY=VALUE"):
        read_variants([text])


def test_nothing_varied_is_refused():
    with pytest.raises(UserError, match="nothing is varied"):
        read_variants([])
    with pytest.raises(UserError, match="nothing is varied"):
        read_variants([], grid=True)
