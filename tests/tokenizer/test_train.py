"""Laws of training."""

import os
import subprocess
import sys

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.progress import Silent
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer


class Recorder(Silent):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.notes, self.updates = [], []

    def note(self, text):
        self.notes.append(text)

    def update(self, done, total, note=""):
        self.updates.append((done, total))


def test_the_order_of_the_texts_plays_no_part(texts):
    config = TokenizerConfig(vocab_size=600)
    forwards = train_tokenizer(config, texts)
    assert train_tokenizer(config, reversed(texts)).sha256 == forwards.sha256


def test_another_hash_seed_gives_the_same_tokenizer():
    program = (
        "from scratchlm.tokenizer import TokenizerConfig, train_tokenizer\n"
        "texts = [open(train_tokenizer.__code__.co_filename).read()]\n"
        "print(train_tokenizer(TokenizerConfig(vocab_size=500), texts).sha256)"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_importing_and_training_never_imports_torch():
    program = (
        "import sys; from scratchlm.tokenizer import *; from scratchlm.data import *\n"
        "train_tokenizer(TokenizerConfig(vocab_size=300), ['abab'])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_vocabulary_has_the_size_asked_for_also_where_the_text_is_too_short():
    progress = Recorder()
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=500), ["abab ab"], progress)
    assert tokenizer.vocab_size == 500
    assert tokenizer.n_unused == 500 - 256 - 16 - len(tokenizer.merges) > 0
    assert "unused" in progress.notes[0]
    assert tokenizer.decode(tokenizer.encode("ab abc")) == "ab abc"


def test_a_trained_tokenizer_needs_fewer_tokens_than_bytes(texts):
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=1500), texts[:1])
    assert len(tokenizer.encode(texts[0])) < len(texts[0].encode()) / 3


def test_no_token_is_longer_than_the_limit(texts):
    config = TokenizerConfig(vocab_size=800, max_token_bytes=4)
    tokenizer = train_tokenizer(config, texts)
    assert tokenizer.byte_lengths.max() == 4


def test_progress_ends_at_the_last_merge(texts):
    progress = Recorder()
    train_tokenizer(TokenizerConfig(vocab_size=400), texts, progress)
    assert progress.updates[-1] == (128, 128)


@pytest.mark.parametrize("texts", [[], [""]])
def test_no_text_is_refused(texts):
    with pytest.raises(UserError, match="no text"):
        train_tokenizer(TokenizerConfig(), texts)
