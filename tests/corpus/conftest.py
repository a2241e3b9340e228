"""Texts for the corpus tests: made up, but with real line ends, words and lengths."""

import random
from collections.abc import Callable

import pytest

from scratchlm.corpus.document import Document

SYLLABLES = [first + last for first in "bcdfghjklmnp" for last in "aeiou"]


@pytest.fixture(scope="session")
def prose() -> Callable[[int, int], str]:
    """`prose(seed, n_words)`: sentences of made-up words in short paragraphs."""

    def make(seed: int, n_words: int) -> str:
        draw = random.Random(seed)
        words = ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(n_words)]
        for place in range(9, n_words, 10):
            words[place] += ".\n\n" if place % 40 == 39 else "."
        return " ".join(words).replace("\n\n ", "\n\n") + "\n"

    return make


@pytest.fixture(scope="session")
def documents(prose: Callable[[int, int], str]) -> Callable[[int, int], list[Document]]:
    """`documents(n, n_words)`: n different documents of one source."""

    def make(n: int, n_words: int) -> list[Document]:
        texts = [prose(seed, n_words) for seed in range(n)]
        return [Document(f"d{i:04d}", text, "made") for i, text in enumerate(texts)]

    return make
