"""Passages of a person's own text, and the questions made from them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.document import Document
from scratchlm.corpus.passages import (
    MAX_PASSAGE_CHARS,
    passage_items,
    split_passages,
)

NOUNS = [
    "lamp",
    "river",
    "horse",
    "garden",
    "letter",
    "window",
    "stone",
    "bridge",
    "coat",
    "bell",
]


def story(n_sentences, start=0):
    return " ".join(
        f"The {NOUNS[i % 10]} number {i} stood beside the {NOUNS[i * 7 % 9]} all night."
        for i in range(start, start + n_sentences)
    )


def documents(n, n_sentences=30):
    return [
        Document(f"d{i}.txt", story(n_sentences, start=1000 * i), "tests")
        for i in range(n)
    ]


@given(st.text(max_size=600))
def test_passages_are_short_and_no_letter_is_invented(text):
    for passage in split_passages(text):
        assert 0 < len(passage.text) <= MAX_PASSAGE_CHARS
        assert passage.text in " ".join(text.split())


def test_sentences_are_passages_and_abbreviations_do_not_end_them():
    text = (
        "Mr. Smith and Dr. Jones walked to the old bridge together. They said "
        "nothing at all on the long way there. “Stop!” cried the bell-ringer from "
        "the tower above them."
    )
    assert [passage.text for passage in split_passages(text)] == [
        "Mr. Smith and Dr. Jones walked to the old bridge together.",
        "They said nothing at all on the long way there.",
        "“Stop!” cried the bell-ringer from the tower above them.",
    ]


def test_text_without_sentences_is_cut_all_the_same():
    names = " ".join(f"name{chr(97 + i % 26)}" for i in range(200))
    passages = split_passages(names)
    assert " ".join(passage.text for passage in passages) == names


def test_scripts_without_blanks_are_cut_at_their_own_full_stops():
    text = "河水慢慢地流过那座古老的石桥，桥上没有一个行人。" * 3
    assert all(p.text.endswith("。") for p in split_passages(text))


@pytest.mark.parametrize(
    "text",
    [
        f"# The Lamp ##\n\n{story(4)}",
        f"## The Lamp\n{story(4)}",
        f"The Lamp\n========\n\n{story(4)}",
        f"The Lamp\n\n{story(4)}",
    ],
)
def test_a_heading_stands_beside_the_passage_that_it_opens(text):
    passages = split_passages(text)
    assert [passage.heading for passage in passages] == ["The Lamp", *[None] * 3]
    assert all("Lamp" not in passage.text for passage in passages)


def test_code_and_markup_are_not_asked_about():
    text = f"{story(2)}\n\n```\n# not a heading\nx = 1\n```\n\n<div class='x'>a</div>"
    assert len(split_passages(text)) == 2


def test_every_question_shows_what_stands_before_its_answer():
    for item in passage_items(documents(3), seed=0, limit=60):
        number = int(re.search(r"number (\d+)", item.answer)[1])
        assert f"number {number - 1} stood" in item.prompts["continue"]
        assert item.answer not in item.prompts["continue"]
        assert item.prompts["which"].count(f"- {item.answer}") == 1


def test_a_heading_is_asked_about_under_the_name_of_its_document():
    plain = Document("folder/a.md", f"# Bells\n\n{story(5)}", "tests")
    titled = Document("b", f"# Coats\n\n{story(5, 50)}", "tests", {"title": "Clothes"})
    asked = {
        item.prompts["heading"]: item.answer
        for item in passage_items([plain, titled], seed=0, limit=50)
        if "heading" in item.prompts
    }
    assert asked == {
        "What stands under the heading “Bells” in a.md?": story(1),
        "What stands under the heading “Coats” in Clothes?": story(1, 50),
    }


def test_many_documents_give_a_few_passages_each_and_one_gives_many():
    many = passage_items(documents(20), seed=0, limit=80)
    assert {item.group for item in many} == {d.id for d in documents(20)}
    assert len(many) == 80
    alone = passage_items(documents(1, n_sentences=100), seed=0, limit=80)
    assert len(alone) == 80
    assert len({item.topic for item in alone}) == 4


def test_of_a_long_document_passages_come_from_one_window():
    long = documents(1, n_sentences=20_000)
    items = passage_items([*long, *documents(3)[1:]], seed=0, limit=40)
    numbers = [
        int(re.search(r"number (\d+)", i.answer)[1])
        for i in items
        if i.group == "d0.txt"
    ]
    assert max(numbers) - min(numbers) < 400


@settings(max_examples=20)
@given(st.permutations(range(6)))
def test_the_order_of_the_documents_decides_nothing(order):
    some = documents(6, n_sentences=8)
    assert passage_items([some[i] for i in order], 0, 20) == passage_items(some, 0, 20)
