import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.corpus.mix.quotas import (
    divide,
    effective_bytes,
    mix_quotas,
    read_weights,
    repetition_warnings,
)

NAMES = st.sampled_from([f"s{n}" for n in range(8)])
WEIGHTS = st.dictionaries(NAMES, st.floats(1e-6, 1e6), min_size=1)
SIZES = st.dictionaries(NAMES, st.integers(1, 10**15), min_size=1)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**16), WEIGHTS)
def test_quotas_sum_exactly_and_miss_their_share_by_less_than_one(total, weights):
    quotas = divide(total, weights)
    assert sum(quotas.values()) == total
    whole = math.fsum(weights.values())
    for name, quota in quotas.items():
        assert abs(quota - total * weights[name] / whole) < 1 + total * 1e-12


def test_equal_rests_go_by_name_whatever_the_order():
    assert divide(2, {"c": 1, "b": 1, "a": 1}) == {"a": 1, "b": 1, "c": 0}


@settings(max_examples=100, deadline=None)
@given(SIZES, st.floats(0, 1), st.integers(1, 10**15))
def test_a_total_is_met_to_the_byte(sizes, alpha, total):
    assert sum(mix_quotas(sizes, {}, {}, alpha, total).values()) == total


@settings(max_examples=50, deadline=None)
@given(SIZES)
def test_without_any_wish_everything_stands_once(sizes):
    quotas = mix_quotas(sizes, {}, {})
    assert sum(quotas.values()) == sum(sizes.values())
    for name, size in sizes.items():
        assert abs(quotas[name] - size) <= 1 + size * 1e-12


def test_a_temperature_lifts_small_sources():
    sizes = {"large": 9_000_000, "small": 1_000_000}
    assert mix_quotas(sizes, {}, {}, alpha=0.0)["small"] == 5_000_000
    assert mix_quotas(sizes, {}, {}, alpha=0.5)["small"] == 2_500_000


def test_weights_divide_what_epochs_leave():
    sizes = {"a": 100, "b": 1000, "c": 50}
    quotas = mix_quotas(sizes, {"a": 3, "b": 1}, {"c": 2.5}, 1.0, 525)
    assert quotas == {"a": 300, "b": 100, "c": 125}


def test_without_a_total_epochs_come_on_top():
    quotas = mix_quotas({"a": 100, "c": 50}, {}, {"c": 3})
    assert quotas == {"a": 100, "c": 150}


def test_an_empty_source_gets_nothing_and_the_rest_still_sums():
    quotas = mix_quotas({"a": 0, "b": 10}, {"a": 5, "b": 1}, {}, 1.0, 30)
    assert quotas == {"a": 0, "b": 30}
    assert mix_quotas({"a": 0}, {}, {}) == {"a": 0}


def test_more_epochs_than_the_total_holds_are_refused():
    with pytest.raises(UserError, match="change one of them"):
        mix_quotas({"a": 100, "b": 1}, {}, {"a": 2}, 1.0, 150)
    with pytest.raises(UserError, match="change one of them"):
        mix_quotas({"a": 100}, {}, {"a": 1}, 1.0, 150)


@pytest.mark.parametrize(("epochs", "worth"), [(4, 3.73), (8, 6.6), (16, 10.6)])
def test_repetition_is_worth_what_the_paper_says(epochs, worth):
    assert effective_bytes(1, epochs) == pytest.approx(worth, abs=0.05)


def test_repetition_never_is_worth_more_than_it_is():
    values = [effective_bytes(1000, e / 10) for e in range(1, 400)]
    assert values == sorted(values)
    for e in range(1, 400):
        assert effective_bytes(1000, e / 10) <= 1000 * e / 10
    assert effective_bytes(1000, 0.5) == 500
    assert effective_bytes(10, 1e9) == pytest.approx(164)


def test_more_than_four_epochs_are_worth_a_warning():
    sizes = {"a": 100, "b": 100}
    [line] = repetition_warnings(sizes, {"a": 400, "b": 401}, 4)
    assert line.startswith("b is repeated 4.0 times, which is worth about 3.7 times")


def test_weights_come_from_a_file(tmp_path):
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"web": 0.75, "books": 1}))
    assert read_weights(path, ["web", "books", "code"]) == {"books": 1.0, "web": 0.75}
    with pytest.raises(UserError, match="source 'books', which the recipe has not"):
        read_weights(path, ["web"])


@pytest.mark.parametrize("text", ["[1]", '{"a": "b"}', '{"a": 0}', '{"a": true}', "{"])
def test_a_file_without_weights_is_refused(text, tmp_path):
    path = tmp_path / "weights.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"weights\.json"):
        read_weights(path, ["a"])
