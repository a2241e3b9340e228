"""Laws of encoding many documents to one array."""

import numpy as np
import pytest

from scratchlm import native
from scratchlm.data.encoding import count_utf8_bytes, encode_documents
from scratchlm.tokenizer import Tokenizer


def test_every_document_is_followed_by_its_end(tokenizer, documents):
    texts = ["", *documents["train"], "", ""]
    encoded = encode_documents(tokenizer, texts)
    expected = [[*tokenizer.encode(text), tokenizer.endoftext_id] for text in texts]
    assert encoded.tokens.tolist() == [token for ids in expected for token in ids]
    assert encoded.ends.tolist() == np.cumsum([len(ids) for ids in expected]).tolist()
    assert encoded.tokens.dtype == tokenizer.dtype


def test_no_texts_are_no_tokens(tokenizer):
    encoded = encode_documents(tokenizer, [])
    assert len(encoded.tokens) == len(encoded.ends) == encoded.n_bytes == 0
    assert encoded.tokens.dtype == tokenizer.dtype


@pytest.mark.parametrize("text", ["", "abc", "größer", "🎉", "a\udc80b", "\x00\n"])
def test_bytes_are_those_that_the_ids_stand_for(tokenizer, text):
    encoded = encode_documents(tokenizer, [text, text])
    assert encoded.n_bytes == 2 * count_utf8_bytes(text)
    assert encoded.n_bytes == tokenizer.byte_lengths[encoded.tokens].sum()


@pytest.mark.parametrize("backend", ["native", "python"])
def test_utf8_gives_what_the_text_gives(backend, tokenizer, documents):
    if backend == "native" and native.core is None:
        pytest.skip(native.why)
    copy = Tokenizer.in_own_layout(tokenizer.model, 300, backend=backend)
    texts = documents["train"]
    a = encode_documents(copy, texts)
    b = encode_documents(copy, [text.encode() for text in texts])
    assert a.tokens.tolist() == b.tokens.tolist()
    assert a.ends.tolist() == b.ends.tolist()
    assert a.n_bytes == b.n_bytes
