import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from scratchlm.base.config import (
    Config,
    build_config,
    dump_toml,
    merge,
    parse_overrides,
    read_toml,
)
from scratchlm.base.errors import UserError


class Inner(Config):
    rate: float = Field(default=0.5, ge=0)
    """How fast."""
    words: tuple[str, ...] = ()
    """Which ones."""


class Outer(Config):
    n_steps: int = 3
    """How many."""
    inner: Inner = Inner()
    """What is inside."""
    note: str | None = None
    """Anything."""
    several: tuple[Inner, ...] = ()
    """More of what is inside."""
    perhaps: Inner | None = None
    """What may be inside."""


def test_a_configuration_is_frozen_and_documented():
    with pytest.raises(ValidationError, match="frozen"):
        Outer().n_steps = 4
    assert Outer.model_fields["n_steps"].description == "How many."


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_step": 3}, "recipe: unknown key 'n_step'; did you mean 'n_steps'?"),
        ({"inner": {"rates": 1}}, "unknown key 'inner.rates'; did you mean 'rate'?"),
        (
            {"qqq": 1},
            "unknown key 'qqq'; known: inner, n_steps, note, perhaps, several",
        ),
        ({"several": [{}, {"rat": 1}]}, "'several.1.rat'; did you mean 'rate'?"),
        ({"perhaps": {"word": 1}}, "'perhaps.word'; did you mean 'words'?"),
        ({"n_steps": "many"}, "n_steps = 'many' is not valid: Input should be"),
        ({"inner": {"rate": -1}}, "inner.rate = -1 is not valid: .*greater than"),
        ({"inner": 3}, "inner = 3 is not valid"),
        ({"note": {"x": 1}}, "note = .* is not valid"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_was_meant(values, message):
    with pytest.raises(UserError, match=message) as caught:
        build_config(Outer, values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["a=1"], {"a": 1}),
        (["a.b=1", "a.c=true"], {"a": {"b": 1, "c": True}}),
        (["a=[1, 2]", 'b="x y"'], {"a": [1, 2], "b": "x y"}),
        (["a=1e-3"], {"a": 1e-3}),
        (["a=plain text"], {"a": "plain text"}),
        (["a=b=c"], {"a": "b=c"}),
        (["a="], {"a": ""}),
        (["a=1", "a=2"], {"a": 2}),
        ([" a = 1"], {"a": 1}),
        (["a=2024-01-01x"], {"a": "2024-01-01x"}),
    ],
)
def test_an_override_is_toml_where_it_can_be(overrides, expected):
    assert parse_overrides(overrides) == expected


@pytest.mark.parametrize("override", ["a", "=1", ""])
def test_an_override_without_key_or_value_is_refused(override):
    with pytest.raises(UserError, match=r"not of the form a\.b=value"):
        parse_overrides([override])


def test_the_upper_layer_wins_and_neither_is_changed():
    lower, upper = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}, "e": {}}
    assert merge(lower, upper) == {"a": {"b": 1, "c": 4}, "d": 3, "e": {}}
    assert lower == {"a": {"b": 1, "c": 2}, "d": 3}
    assert merge({"a": 1}, {"a": {"b": 2}}) == {"a": {"b": 2}}


names = st.text("abcxyz_", min_size=1, max_size=5)
numbers = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, width=32)
leaves = numbers | st.booleans() | st.text(max_size=20) | st.lists(numbers, max_size=3)
mappings = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, leaves | inner, max_size=3),
    max_leaves=8,
)


@given(mappings)
def test_what_is_written_as_toml_is_read_back(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("toml") / "values.toml"
    path.write_text(dump_toml(values), encoding="utf-8")
    assert read_toml(path) == values


def test_a_resolved_configuration_repeats_itself(tmp_path):
    config = Outer(n_steps=7, inner=Inner(rate=0.1, words=("ä", "\n")))
    path = tmp_path / "recipe.toml"
    path.write_text(dump_toml(config), encoding="utf-8")
    assert "note" not in read_toml(path)
    assert build_config(Outer, read_toml(path)) == config


def test_a_broken_file_is_refused_with_its_place(tmp_path):
    path = tmp_path / "recipe.toml"
    with pytest.raises(UserError, match="does not exist"):
        read_toml(path)
    path.write_text("a = 1\nb = = 2\n")
    with pytest.raises(UserError, match=r"recipe\.toml is not valid TOML: .*line 2"):
        read_toml(path)
    path.write_bytes(b"a = '\xff'\n")
    with pytest.raises(UserError, match="is not valid TOML"):
        read_toml(path)
