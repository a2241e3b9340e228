"""A tokenizer of bytes: small, and every text has its ids."""

import pytest

from scratchlm.tokenizer.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer([])
