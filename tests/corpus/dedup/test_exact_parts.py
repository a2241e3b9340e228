import random

import numpy as np
import pyarrow as pa

from scratchlm.corpus.dedup.exact_parts import part_records
from scratchlm.corpus.dedup.paragraph import split_paragraphs
from scratchlm.corpus.flow.table import Batch


def batch_of(texts):
    table = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    return Batch(np.arange(len(texts)) + 7, table)


def test_white_space_does_not_hide_a_copy():
    texts = ["one two three", "one\ttwo\r\n  three\r\n", "onetwo three"]
    keys = part_records(batch_of(texts), split_paragraphs, 5)[:, :2].tolist()
    assert keys[0] == keys[1] != keys[2]


def test_short_parts_are_left_alone_however_much_blank_they_hold():
    texts = ["a" * 9, "a" * 10, "aaaa" + " " * 50, "é" * 5]
    records = part_records(batch_of(texts), split_paragraphs, 10)
    assert records[:, 2].tolist() == [8, 10]


def test_records_name_rows_and_bytes():
    draw = random.Random(0)
    texts = ["\n\n".join("ä" * draw.randint(1, 9) for _ in range(n)) for n in range(5)]
    records = part_records(batch_of(texts), split_paragraphs, 1)
    found = [
        texts[row - 7].encode()[begin:end].decode().strip()
        for row, begin, end in records[:, 2:].tolist()
    ]
    assert found == [part for text in texts for part in text.split()]
