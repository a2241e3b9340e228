"""The text that trainers are compared on: one stream of ids for all of them.

The text of `$SCRATCHLM_SHARED/data/pretrain`, or the embedded corpus, in documents of
about 8,000 characters; every fiftieth is held out. Encoded once for each vocabulary
and kept beside the peers.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.hashing import sha256_bytes
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from tokenizer_peers import FOLDER, read_documents, write_corpus

HELD_OUT_EVERY = 50
TOKENIZER_DOCUMENTS = 2_000
"""Documents that the tokenizer is trained on, spread over the text: about 16 MB."""


@dataclass(frozen=True)
class Text:
    """A stream of ids for training and one held out."""

    vocab_size: int
    sha256: str
    """Hash of the text."""
    train: NDArray[np.uint16]
    held_out: NDArray[np.uint16]
    byte_lengths: NDArray[np.int32]
    """Bytes of each id; 0 for what is no text."""

    def describe(self) -> dict[str, object]:
        """What a result says of it."""
        return {
            "text_sha256": self.sha256,
            "vocab_size": self.vocab_size,
            "train_tokens": len(self.train),
            "held_out_tokens": len(self.held_out),
        }

    def held_out_windows(self, n_windows: int, n_tokens: int) -> NDArray[np.int64]:
        """Windows (n_windows, n_tokens + 1), spread evenly over what is held out."""
        last = len(self.held_out) - n_tokens - 1
        starts = np.linspace(0, last, n_windows).astype(np.int64)
        return np.stack(
            [self.held_out[at : at + n_tokens + 1] for at in starts]
        ).astype(np.int64)


def prepare_text(vocab_size: int) -> Text:
    """Read the ids, or make them: train a tokenizer and encode all documents."""
    folder = FOLDER / "text" / f"{_source()}-{vocab_size}"
    if not (folder / "text.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _encode(folder, vocab_size)
    described = json.loads((folder / "text.json").read_text())
    return Text(
        vocab_size,
        described["sha256"],
        np.memmap(folder / "train.bin", np.uint16, "r"),
        np.memmap(folder / "held_out.bin", np.uint16, "r"),
        np.load(folder / "byte_lengths.npy"),
    )


def batch_at(
    ids: NDArray[np.uint16], step: int, rows: int, n_tokens: int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Random rows of a step, tokens and targets (rows, n_tokens)."""
    rng = np.random.default_rng((seed, step))
    starts = rng.integers(0, len(ids) - n_tokens - 1, rows)
    stream = np.stack([ids[at : at + n_tokens + 1] for at in starts]).astype(np.int64)
    return stream[:, :-1].copy(), stream[:, 1:].copy()


def _source() -> str:
    return "pretrain" if "SCRATCHLM_SHARED" in os.environ else "embedded"


def _encode(folder: Path, vocab_size: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        digest, documents = _documents(Path(scratch))
    train = [d for i, d in enumerate(documents) if i % HELD_OUT_EVERY]
    stride = max(1, len(train) // TOKENIZER_DOCUMENTS)
    config = TokenizerConfig(vocab_size=vocab_size)
    tokenizer = train_tokenizer(config, train[::stride])
    _stream(tokenizer, train).tofile(folder / "train.bin")
    _stream(tokenizer, documents[::HELD_OUT_EVERY]).tofile(folder / "held_out.bin")
    np.save(folder / "byte_lengths.npy", np.asarray(tokenizer.byte_lengths, np.int32))
    tokenizer.save(folder / "tokenizer.json")
    (folder / "text.json").write_text(json.dumps({"sha256": digest}))


def _documents(scratch: Path) -> tuple[str, list[str]]:
    if _source() == "pretrain":
        digest = write_corpus(scratch / "text", 1 << 40)
        return digest, list(read_documents(scratch / "text"))
    texts = list(_embedded(scratch))
    return sha256_bytes("\n".join(texts).encode()), texts


def _embedded(scratch: Path) -> Iterator[str]:
    from scratchlm.corpus import CorpusConfig, build_corpus

    corpus = build_corpus(CorpusConfig(), scratch / "corpus")
    for document in corpus.train_documents():
        (scratch / "one").write_text(document.text, encoding="utf-8", newline="")
        yield from read_documents(scratch / "one")


def _stream(tokenizer: Tokenizer, documents: list[str]) -> NDArray[np.uint16]:
    end = np.array([tokenizer.endoftext_id], np.uint16)
    parts = [
        part
        for document in documents
        for part in (tokenizer.encode_to_numpy(document).astype(np.uint16), end)
    ]
    return np.concatenate(parts)
