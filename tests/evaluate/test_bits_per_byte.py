import inspect
import json
import math
import textwrap

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.evaluate.bits_per_byte import (
    DocumentBits,
    bits_per_byte,
    build_windows,
    summarize,
)

TEXTS = [
    inspect.getsource(textwrap.dedent),
    "Grüße, 世界! " * 20,
    "short",
    "",
    "x = 1\n" * 60,
]
NAMES = ["code", "letters", "short", "empty", "lines"]


def score_one_by_one(model, tokenizer, text, context_length, stride):
    """The definition, a token at a time: bits of a document."""
    ids = [tokenizer.endoftext_id, *tokenizer.encode(text)]
    nats, n, scored = 0.0, len(ids) - 1, 0
    while scored < n:
        end = min(scored + (stride if scored else context_length), n)
        begin = max(0, end - context_length)
        for place in range(scored, end):
            logits = model(torch.tensor([ids[begin : place + 1]]))[0, -1]
            nats -= torch.log_softmax(logits.double(), -1)[ids[place + 1]].item()
        scored = end
    return nats / math.log(2)


@pytest.mark.parametrize("stride", [1, 5, 16])
def test_windows_give_what_the_definition_gives_token_by_token(
    model, tokenizer, stride
):
    texts = [TEXTS[0][:120], TEXTS[1][:40], "a"]
    found = bits_per_byte(model, tokenizer, texts, 16, stride)
    with torch.inference_mode():
        for text, row in zip(texts, found.per_document, strict=True):
            exact = score_one_by_one(model, tokenizer, text, 16, stride)
            assert row.bits == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_sum_over_documents_does_not_depend_on_the_batch_size(
    model, tokenizer, batch_size
):
    one = bits_per_byte(model, tokenizer, TEXTS, 16, batch_size=7)
    other = bits_per_byte(model, tokenizer, TEXTS, 16, batch_size=batch_size)
    for first, second in zip(one.per_document, other.per_document, strict=True):
        assert first.bits == pytest.approx(second.bits, rel=1e-6)
    assert one.value == pytest.approx(other.value, rel=1e-6)


def test_a_document_is_scored_as_if_it_were_alone(model, tokenizer):
    together = bits_per_byte(model, tokenizer, TEXTS, 16, names=NAMES)
    for name, text, row in zip(NAMES, TEXTS, together.per_document, strict=True):
        alone = bits_per_byte(model, tokenizer, [text], 16).per_document[0]
        assert row.name == name
        assert row.bits == pytest.approx(alone.bits, rel=1e-6)


def test_a_document_within_the_context_does_not_feel_the_stride(model, tokenizer):
    text = tokenizer.decode(tokenizer.encode(TEXTS[0])[:16])
    values = {bits_per_byte(model, tokenizer, [text], 16, s).value for s in (1, 8, 16)}
    assert max(values) == pytest.approx(min(values), rel=1e-6)


def test_a_model_that_knows_nothing_needs_log2_of_the_vocabulary_a_token(
    tokenizer, build_random_model
):
    model = build_random_model(tokenizer.vocab_size)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    found = bits_per_byte(model, tokenizer, TEXTS, 16)
    n_tokens = sum(len(tokenizer.encode(text)) for text in TEXTS)
    n_bytes = sum(len(text.encode()) for text in TEXTS)
    assert (found.n_tokens, found.n_bytes) == (n_tokens, n_bytes)
    exact = n_tokens * math.log2(tokenizer.vocab_size) / n_bytes
    assert found.value == pytest.approx(exact, rel=1e-6)
    assert found.low < found.value < found.high


def test_every_byte_is_paid_for(tokenizer, model):
    found = bits_per_byte(model, tokenizer, TEXTS, 16)
    for text, row in zip(TEXTS, found.per_document, strict=True):
        ids = tokenizer.encode(text)
        assert row.n_tokens == len(ids)
        assert row.n_bytes == tokenizer.byte_lengths[ids].sum() == len(text.encode())


@given(
    st.lists(st.integers(0, 60), max_size=5),
    st.integers(1, 20).flatmap(lambda c: st.tuples(st.just(c), st.integers(1, c))),
)
def test_every_token_is_scored_once_with_as_much_before_it_as_fits(lengths, sizes):
    context_length, stride = sizes
    seen = [np.zeros(n, dtype=int) for n in lengths]
    for window in build_windows(lengths, context_length, stride):
        assert 0 < window.end - window.begin <= context_length
        assert window.begin <= window.scored < window.end
        seen[window.document][window.scored : window.end] += 1
        before = window.scored - window.begin
        assert before >= min(window.scored, context_length - stride)
    assert all((counts == 1).all() for counts in seen)


@pytest.mark.parametrize("stride", [0, 17])
def test_a_stride_beyond_the_context_is_refused_in_one_line(model, tokenizer, stride):
    with pytest.raises(UserError, match=r"^evaluate: stride = \d+ .*$"):
        bits_per_byte(model, tokenizer, TEXTS, 16, stride)


def test_the_value_weighs_documents_by_bytes_and_the_json_has_no_nan():
    rows = [DocumentBits("a", 100, 30, 200.0), DocumentBits("b", 10, 3, 40.0)]
    both = summarize(rows)
    assert both.value == pytest.approx(240 / 110)
    assert 2.0 <= both.low <= both.value <= both.high <= 4.0
    one = summarize(rows[:1])
    assert math.isnan(one.low)
    row = json.loads(json.dumps(one.as_json(), allow_nan=False))
    assert (row["value"], row["low"], row["n_documents"]) == (2.0, None, 1)
    assert math.isnan(DocumentBits("empty", 0, 0, 0.0).bits_per_byte)
