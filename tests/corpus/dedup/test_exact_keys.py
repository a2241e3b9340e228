import random

import numpy as np
import pytest

from scratchlm.corpus.dedup.exact_hits import Wording
from scratchlm.corpus.dedup.exact_keys import (
    digest_keys,
    keep_first,
    whole_rows,
    write_keys,
)
from scratchlm.corpus.flow.rounds import CorpusStep, Round


def test_keys_are_128_bits_that_differ_where_the_bytes_do():
    things = [bytes([n % 256, n // 256]) for n in range(3000)]
    keys = digest_keys(things)
    assert keys.shape == (3000, 2)
    assert len(np.unique(keys[:, 0])) == len(np.unique(keys[:, 1])) == 3000
    assert digest_keys([memoryview(b"a")]).tolist() == digest_keys([b"a"]).tolist()


def first_letters(work):
    """A round whose things are first letters."""
    write_keys(
        work,
        ("id", "text"),
        lambda batch: whole_rows(
            batch.rows, [text[:1].encode() for text in batch.column("text")]
        ),
    )


def keep(work):
    keep_first(work, Wording("same letter"))


@pytest.mark.parametrize("memory_bytes", [500, 10**7])
def test_the_first_of_equal_things_stays_as_python_would_have_it(
    small_flow, document, memory_bytes
):
    draw = random.Random(0)
    texts = [draw.choice("abcdefghijklmnopqrstuvwxyzäöü") + str(n) for n in range(200)]
    made = [document(str(n), text) for n, text in enumerate(texts)]
    flow = small_flow([made[:10], made[10:70], made[70:]])
    rounds = (Round("keys", "shard", first_letters), Round("last", "corpus", keep))
    decided = flow.run(CorpusStep("letters", None, rounds), memory_bytes)
    first = {}
    for document_ in made:
        first.setdefault(document_.text[0], document_.id)
    assert list(flow.texts()) == list(first.values())
    removed = {
        made[begin + d.row].text[0]: d.of
        for begin, some in zip((0, 10, 70), decided, strict=True)
        for d in some
    }
    assert all(first[letter] == of for letter, of in removed.items())
