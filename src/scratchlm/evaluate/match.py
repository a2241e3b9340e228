"""How close is an answer to its reference: shared words, no judge, no model.

Token F1 is SQuAD's measure (Rajpurkar et al. 2016): words as bags, precision and
recall of the overlap, their harmonic mean. Words are lower-cased runs of letters,
digits and underscores.

    answer     "Return the sum of a list"     6 words
    reference  "Return a sum"                 3 words, all shared: F1 = 2·3 / (6 + 3)

A model that answers everything alike can score well on such a measure, so that every
figure is held against two straw men: the best single constant answer, and the model's
own answers dealt to the wrong questions.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_WORD = re.compile(r"\w+")


def split_words(text: str) -> list[str]:
    """Split into lower-cased words."""
    return _WORD.findall(text.lower())


def token_f1(answer: str, reference: str) -> float:
    """Token F1 in [0, 1]; two texts without any word agree fully."""
    words, wanted = split_words(answer), split_words(reference)
    if not words and not wanted:
        return 1.0
    shared = (Counter(words) & Counter(wanted)).total()
    return 2 * shared / (len(words) + len(wanted))


def exact_match(answer: str, reference: str) -> bool:
    """Whether the words are the same, in the same order."""
    return split_words(answer) == split_words(reference)


def distinct_frac(answers: Sequence[str]) -> float:
    """Share of different answers among all of them: 1.0 when no two are equal."""
    return len(set(answers)) / len(answers) if answers else 0.0


@dataclass(frozen=True)
class ConstantAnswer:
    """One answer given to every question: its text, where it came from, its scores."""

    answer: str
    chosen_from: str
    scores: Floats

    @property
    def f1(self) -> float:
        """Mean token F1 over the references."""
        return float(self.scores.mean()) if len(self.scores) else 0.0


class AnswerBook:
    """Distinct answers (n,) behind an inverted index: F1 of all of them at once."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(dict.fromkeys(answers))
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = np.zeros(len(self.answers), dtype=np.int64)
        for i, answer in enumerate(self.answers):
            words = split_words(answer)
            lengths[i] = len(words)
            for word, count in Counter(words).items():
                postings[word].append((i, count))
        self._lengths = lengths
        self._postings: dict[str, Integers] = {
            word: np.array(pairs, dtype=np.int64).T for word, pairs in postings.items()
        }

    def f1(self, reference: str) -> Floats:
        """Token F1 of every answer (n,) against one reference."""
        wanted = split_words(reference)
        shared = np.zeros(len(self.answers), dtype=np.int64)
        for word, count in Counter(wanted).items():
            if word in self._postings:
                where, counts = self._postings[word]
                shared[where] += np.minimum(counts, count)
        total = self._lengths + len(wanted)
        return np.where(total == 0, 1.0, 2 * shared / np.maximum(total, 1))


def best_constant_answer(
    candidates: Sequence[str], references: Sequence[str], chosen_from: str
) -> ConstantAnswer | None:
    """Find the candidate with the highest mean F1 over the references.

    The first of equals wins; None where there is no candidate or no reference.
    """
    if not candidates or not references:
        return None
    book = AnswerBook(candidates)
    sums = np.zeros(len(book.answers))
    for reference in references:
        sums += book.f1(reference)
    best = book.answers[int(sums.argmax())]
    scores = np.array([token_f1(best, reference) for reference in references])
    return ConstantAnswer(best, chosen_from, scores)


def strongest_constant_answer(
    training_answers: Sequence[str], references: Sequence[str]
) -> ConstantAnswer | None:
    """The stronger of two straw men: best of the training answers, best of the test's.

    The second is chosen with the references in hand, which no honest system could do.
    """
    found = [
        best_constant_answer(sorted(training_answers), references, "training answers"),
        best_constant_answer(sorted(references), references, "test answers"),
    ]
    known = [constant for constant in found if constant is not None]
    return max(known, key=lambda constant: constant.f1, default=None)


def shuffled_f1(answers: Sequence[str], references: Sequence[str]) -> Floats:
    """Mean F1 (n,) of each reference with the answers to all other questions.

    This is what random derangements of the answers give on average, computed exactly:
    every other answer lands on a question equally often. Zeros below two questions.
    """
    n = len(references)
    assert len(answers) == n
    if n < 2:
        return np.zeros(n)
    book = AnswerBook(answers)
    index = {answer: i for i, answer in enumerate(book.answers)}
    where = np.array([index[answer] for answer in answers])
    times = np.bincount(where, minlength=len(book.answers))
    result = np.zeros(n)
    for i, reference in enumerate(references):
        scores = book.f1(reference)
        result[i] = (scores @ times - scores[where[i]]) / (n - 1)
    return result
