import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.evaluate.match import (
    AnswerBook,
    best_constant_answer,
    distinct_frac,
    exact_match,
    shuffled_f1,
    strongest_constant_answer,
    token_f1,
)

TEXT = st.text(alphabet="ab c.", max_size=12)
TEXTS = st.lists(TEXT, min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("answer", "reference", "f1"),
    [
        ("Return the sum of a list", "Return a sum", 6 / 9),
        ("return THE sum.", "Return the sum", 1.0),
        ("the the the", "the cat", 2 / 5),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        ("", "...", 1.0),
        ("os.path", "path os", 1.0),
        ("snake_case", "snake case", 0.0),
    ],
)
def test_token_f1_by_hand(answer, reference, f1):
    assert token_f1(answer, reference) == pytest.approx(f1)


@given(TEXT, TEXT)
def test_f1_is_symmetric_and_between_zero_and_one(first, second):
    assert token_f1(first, second) == token_f1(second, first)
    assert 0.0 <= token_f1(first, second) <= 1.0
    assert token_f1(first, first) == 1.0


@given(TEXTS, TEXT)
def test_the_book_gives_every_answer_the_score_it_has_alone(answers, reference):
    book = AnswerBook(answers)
    scores = [token_f1(answer, reference) for answer in book.answers]
    assert book.f1(reference) == pytest.approx(scores)


def test_an_exact_match_cares_for_order_but_not_for_case_and_stops():
    assert exact_match("Open a file.", "open a FILE")
    assert not exact_match("a file open", "open a file")


def test_distinct_share_counts_different_answers():
    assert distinct_frac(["a", "b", "a", "a"]) == 0.5
    assert distinct_frac([]) == 0.0


@settings(max_examples=50)
@given(TEXTS, TEXTS)
def test_no_candidate_beats_the_best_constant_answer(candidates, references):
    best = best_constant_answer(candidates, references, "here")
    assert best is not None and best.answer in candidates
    for candidate in candidates:
        mean = np.mean([token_f1(candidate, reference) for reference in references])
        assert best.f1 >= mean - 1e-12


def test_the_stronger_of_training_and_test_answers_stands():
    references = ["return a list", "return a dict", "return a set"]
    strong = strongest_constant_answer(["nothing", "return a"], references)
    assert strong is not None
    assert (strong.answer, strong.chosen_from) == ("return a", "training answers")
    strong = strongest_constant_answer(["nothing"], references)
    assert strong is not None and strong.chosen_from == "test answers"
    assert strongest_constant_answer(["a"], []) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=2, max_size=5))
def test_shuffling_gives_the_mean_over_all_derangements(pairs):
    answers = [answer for answer, _ in pairs]
    references = [reference for _, reference in pairs]
    n = len(pairs)
    means = np.zeros(n)
    derangements = [
        order
        for order in itertools.permutations(range(n))
        if all(i != j for i, j in enumerate(order))
    ]
    for order in derangements:
        means += [token_f1(answers[j], references[i]) for i, j in enumerate(order)]
    assert shuffled_f1(answers, references) == pytest.approx(means / len(derangements))


def test_a_model_that_always_says_the_same_gains_nothing_over_its_shuffle():
    references = ["return a list", "open a file", "close it"]
    answers = ["return the file"] * 3
    own = [token_f1(a, r) for a, r in zip(answers, references, strict=True)]
    assert shuffled_f1(answers, references) == pytest.approx(own)


def test_one_question_cannot_be_shuffled():
    assert shuffled_f1(["a"], ["a"]).tolist() == [0.0]
