"""Items, units and choices that only names and seeds decide."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.chat_items import (
    LENGTH_TOLERANCE,
    Item,
    answer_key,
    pair_units,
    seeded_fraction,
    seeded_order,
    word_overlap,
)


def item(about, group, answer):
    return Item(about, group, group, answer, {"what": f"What is {about}?"})


items = st.lists(
    st.builds(
        item,
        st.uuids().map(str),
        st.sampled_from("ab"),
        st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=1).map(
            " ".join
        ),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(items)
def test_every_item_is_in_exactly_one_unit(drawn):
    units = pair_units(drawn)
    assert sorted(i.about for unit in units for i in unit) == sorted(
        i.about for i in drawn
    )
    assert {len(unit) for unit in units} <= {1, 2}


@settings(max_examples=40)
@given(items)
def test_pairs_share_a_group_and_nearly_a_length_but_not_their_words(drawn):
    for unit in pair_units(drawn):
        if len(unit) == 2:
            first, second = unit
            shorter, longer = sorted((len(first.answer), len(second.answer)))
            assert first.group == second.group
            assert longer <= (1 + LENGTH_TOLERANCE) * shorter
            assert answer_key(first.answer) != answer_key(second.answer)


@settings(max_examples=40)
@given(items, st.randoms(use_true_random=False))
def test_the_order_of_the_input_decides_nothing(drawn, random):
    shuffled = drawn.copy()
    random.shuffle(shuffled)
    assert pair_units(shuffled) == pair_units(drawn)
    orders = [
        seeded_order(1, "x", some, lambda i: i.about) for some in (drawn, shuffled)
    ]
    assert orders[0] == orders[1]


def test_another_seed_or_purpose_is_another_order():
    names = [str(i) for i in range(50)]
    orders = {
        tuple(seeded_order(seed, purpose, names, str))
        for seed in (0, 1)
        for purpose in ("a", "b")
    }
    assert len(orders) == 4


def test_fractions_fill_the_unit_interval_evenly():
    drawn = [seeded_fraction(0, "x", str(i)) for i in range(1000)]
    assert 0 <= min(drawn) < 0.01
    assert 0.99 < max(drawn) < 1
    assert abs(sum(drawn) / 1000 - 0.5) < 0.05


def test_case_articles_and_punctuation_do_not_make_another_answer():
    assert answer_key("Return the size.") == answer_key("return a SIZE")
    assert answer_key("Return the size.") != answer_key("Return the sizes.")


def test_overlap_counts_words_as_often_as_they_stand():
    assert word_overlap("a b b", "A b c") == 2 * 2 / 6
    assert word_overlap("a", "b") == 0
    assert word_overlap("", "") == 1
