"""Pairs of right and wrong answers: laws of each kind."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.chat_items import LENGTH_TOLERANCE, Item, pair_units
from scratchlm.corpus.preferences import (
    KINDS,
    MAX_TRAIN_PAIRS,
    Side,
    build_preferences,
    truncate_answer,
)

WORDS = [
    "open",
    "close",
    "read",
    "write",
    "move",
    "copy",
    "list",
    "drop",
    "join",
    "split",
]


def items(side, n, n_groups=4):
    return [
        Item(
            about=f"{side}.{i}",
            group=f"{side}{i % n_groups}",
            topic=f"{i % n_groups}",
            answer=f"This will {WORDS[i % 10]} {side} {i} and {WORDS[i // 10 % 10]} "
            + "more of the same things " * (i % 3)
            + f"{i}.",
            prompts={"what": f"What is {side}.{i}?"},
        )
        for i in range(n)
    ]


def side(split, n, n_groups=4):
    made = items(split, n, n_groups)
    return Side(
        split=split,
        units=pair_units(made),
        prompts={item.about: item.prompts["what"] for item in made},
        origins={item.about: "asked" for item in made},
        seed=0,
    )


@pytest.fixture(scope="module")
def rows():
    return build_preferences(side("train", 200), side("test", 100))


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def test_each_row_asks_about_its_right_answer(rows):
    answers = {i.about: i.answer for n in ("train", "test") for i in items(n, 200)}
    for row in rows:
        assert row["chosen"] == answers[row["about"]] != row["rejected"]
        question = f"What is {row['about']}?"
        assert row["prompt"] == [{"role": "user", "content": question}]


def test_ids_are_unique_and_sorted(rows):
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))


def test_no_answer_crosses_the_split(rows):
    for row in rows:
        other = "test" if row["split"] == "train" else "train"
        assert other not in row["chosen"] + row["rejected"]
        assert row["rejected_about"].startswith(row["split"])


@pytest.mark.parametrize("kind", ["hard", "off_topic"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_answers_are_wrong_as_often_as_right(rows, kind, split):
    made = [row for row in of_kind(rows, kind) if row["split"] == split]
    assert made
    chosen = Counter(row["chosen"] for row in made)
    assert chosen == Counter(row["rejected"] for row in made)


def test_hard_pairs_share_a_group_and_nearly_a_length(rows):
    groups = {i.about: i.group for n in ("train", "test") for i in items(n, 200)}
    for row in of_kind(rows, "hard"):
        lengths = sorted((len(row["chosen"]), len(row["rejected"])))
        assert groups[row["about"]] == groups[row["rejected_about"]]
        assert lengths[1] <= (1 + LENGTH_TOLERANCE) * lengths[0]


def test_off_topic_pairs_share_no_topic(rows):
    topics = {i.about: i.topic for n in ("train", "test") for i in items(n, 200)}
    for row in of_kind(rows, "off_topic"):
        assert topics[row["about"]] != topics[row["rejected_about"]]


def test_truncated_answers_are_beginnings_without_a_full_stop(rows):
    for row in of_kind(rows, "truncated"):
        assert row["chosen"].startswith(row["rejected"])
        assert row["rejected"][-1] != "."
        assert 0.2 < len(row["rejected"].split()) / len(row["chosen"].split()) < 0.8


def test_training_kinds_are_equally_many(rows):
    train = Counter(row["kind"] for row in rows if row["split"] == "train")
    assert len(set(train.values())) == 1
    assert set(train) == set(KINDS)
    large = build_preferences(side("train", 2000), side("test", 10))
    counts = Counter(row["kind"] for row in large if row["split"] == "train")
    assert set(counts.values()) == {MAX_TRAIN_PAIRS}


def test_one_topic_alone_has_no_off_topic_pairs_and_keeps_the_others():
    rows = build_preferences(side("train", 60, n_groups=1), side("test", 20, 1))
    assert {row["kind"] for row in rows} == {"hard", "truncated"}


@given(st.text(max_size=200), st.floats(0, 1, exclude_max=True))
def test_what_is_cut_is_shorter_than_the_answer(answer, fraction):
    cut = truncate_answer(answer, fraction)
    assert cut is None or 0 < len(cut) < len(answer)


def test_scripts_without_blanks_are_cut_too():
    answer = "河水慢慢地流过那座古老的石桥，桥上没有一个行人走过去。"
    assert answer.startswith(truncate_answer(answer, 0.5))
    assert truncate_answer("Too short.", 0.5) is None
