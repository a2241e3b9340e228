"""Which answers are nearly the same sentence as another one.

Compares sets of words (lower-cased, without articles) through an inverted index:
exact, and for 7,000 answers in under a second.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.chat_items import answer_key

NEAR = 0.9
"""Share of common words, 2 · |A ∩ B| / (|A| + |B|), from which two answers are nearly
the same: two sentences of ten words that differ in one."""

_Ids = NDArray[np.int64]


class AnswerIndex:
    """The words of N answers, looked up by word.

    Answers are nearly the same from a share of `near` common words; at 1.0 only
    those of exactly the same words are.
    """

    def __init__(self, answers: Sequence[str], near: float = NEAR) -> None:
        self.near = near
        words = [sorted(set(answer_key(answer).split())) for answer in answers]
        self._sizes: _Ids = np.array([len(some) for some in words], dtype=np.int64)
        owners: dict[str, list[int]] = {}
        for number, some in enumerate(words):
            for word in some:
                owners.setdefault(word, []).append(number)
        self._owners: dict[str, _Ids] = {
            word: np.array(numbers, dtype=np.int64) for word, numbers in owners.items()
        }

    def has_near(self, answer: str, but: int | None = None) -> bool:
        """Whether one of the N answers is nearly this one.

        Args:
            answer: the answer to look for.
            but: the number of an answer to pass over, such as its own.
        """
        words = set(answer_key(answer).split())
        found = [self._owners[word] for word in sorted(words) if word in self._owners]
        if not found:
            return False
        shared = np.bincount(np.concatenate(found), minlength=len(self._sizes))
        if but is not None:
            shared[but] = 0
        return bool(np.any(2 * shared >= self.near * (self._sizes + len(words))))
