import random

import numpy as np
import pyarrow as pa
import pytest

from scratchlm.corpus.dedup import substring_marks
from scratchlm.corpus.dedup.substring_marks import (
    Window,
    batch_marks,
    sliding_minimum,
    text_pieces,
    word_edges,
)
from scratchlm.corpus.flow.table import Batch


def marks_of(texts, n_words, batch_size=None):
    """Marks (gram, row, byte) of some texts, in batches."""
    found = set()
    size = batch_size or len(texts)
    for first in range(0, len(texts), size):
        some = texts[first : first + size]
        table = pa.record_batch({"text": pa.array(some, pa.large_string())})
        batch = Batch(np.arange(first, first + len(some)), table)
        for marks in batch_marks(batch, Window(n_words)):
            found.update(map(tuple, marks.tolist()))
    return found


@pytest.mark.parametrize("n_words", [8, 20, 50, 51])
def test_texts_that_share_a_window_share_a_mark(prose, n_words):
    stretch = " ".join(prose(99, n_words).split())
    for seed in range(20):
        draw = random.Random(seed)
        texts = [
            f"{prose(2 * seed, draw.randint(1, 70))} {stretch} {prose(seed, 30)}",
            f"{prose(500 + seed, draw.randint(1, 70))}\n\n{stretch.upper()}",
        ]
        first, second = (marks_of([text], n_words) for text in texts)
        assert {gram for gram, *_ in first} & {gram for gram, *_ in second}


def test_a_gram_and_its_choices_are_a_window():
    for n_words in range(8, 200):
        window = Window(n_words)
        assert window.gram_words + window.n_choices - 1 == n_words
        assert window.gram_words > n_words / 2


def test_marks_are_few(prose):
    marks = marks_of([prose(seed, 2000) for seed in range(5)], 50)
    assert 10_000 / 17 < len(marks) < 10_000 / 6


def test_a_texts_marks_do_not_depend_on_its_neighbours(prose, monkeypatch):
    texts = [prose(seed, 20 * seed) for seed in range(12)]
    together = marks_of(texts, 20)
    assert together == marks_of(texts, 20, batch_size=1)
    for piece_bytes in (5000, 4100):
        monkeypatch.setattr(substring_marks, "PIECE_BYTES", piece_bytes)
        assert marks_of(texts, 20) == together


def test_texts_without_a_whole_window_have_no_marks():
    assert marks_of(["", "a", "one two three four five six seven"], 8) == set()
    assert len(marks_of(["one two three four five six seven eight"], 8)) == 1


def test_one_word_repeated_has_one_mark():
    assert len(marks_of(["0 " * 5000], 50)) == 1


def test_the_sliding_minimum_is_the_smallest_of_each_few():
    values = np.random.default_rng(0).integers(0, 99, 50, np.uint64)
    for width in (1, 2, 8, 16):
        expected = [min(values[i : i + width]) for i in range(50 - width + 1)]
        assert sliding_minimum(values, width).tolist() == expected


def test_pieces_are_the_whole_text_and_part_no_character():
    for text in ("", "ab " * 400_000, "é" * 600_000, "日本" * 200_000):
        data = text.encode()
        pieces = list(text_pieces(data))
        assert b"".join(piece for _, piece in pieces) == data
        assert [data[at : at + len(piece)] for at, piece in pieces] == [
            piece for _, piece in pieces
        ]
        for _, piece in pieces:
            piece.decode()


def test_edges_name_the_words_of_a_text_of_many_pieces(monkeypatch):
    text = "Some words, größer 日本.\n" * 300
    whole = [edges.tolist() for edges in word_edges(text.encode())]
    monkeypatch.setattr(substring_marks, "PIECE_BYTES", 4200)
    assert [edges.tolist() for edges in word_edges(text.encode())] == whole
    words = [text.encode()[b:e].decode() for b, e in zip(*whole, strict=True)]
    assert words[:5] == ["Some", "words", "größer", "日", "本"]
