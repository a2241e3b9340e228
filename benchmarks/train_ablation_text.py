"""The text that ablations train on: the tokens of a few megabytes.

Documents of data/pretrain where SCRATCHLM_SHARED names it, else the embedded corpus
(the standard library's sources): taken evenly from all of it, every 20th held out.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

N_BYTES = 8_000_000
PIECE_CHARS = 4_000
HOLD_OUT_EVERY = 20


@dataclass(frozen=True)
class Tokens:
    """Both splits as one array of ids each, and what they stand for."""

    train: NDArray[np.int64]
    heldout: NDArray[np.int64]
    heldout_bytes: int
    vocab_size: int
    source: str
    sha256: str

    @property
    def bits_per_nat_and_token(self) -> float:
        """Factor from mean nats a token to bits per byte."""
        return float(len(self.heldout) / self.heldout_bytes / np.log(2))


def load_tokens(cache: Path, vocab_size: int) -> Tokens:
    """The tokens, from the cache folder once they were made."""
    path = cache / f"ablation-{vocab_size}.npz"
    if not path.exists():
        _make_tokens(path, vocab_size)
    with np.load(path) as held:
        notes = json.loads(str(held["notes"]))
        train, heldout = held["train"], held["heldout"]
    sha = hashlib.sha256(train.tobytes() + heldout.tobytes()).hexdigest()
    wide = (train.astype(np.int64), heldout.astype(np.int64))
    return Tokens(*wide, notes["heldout_bytes"], vocab_size, notes["source"], sha)


def _make_tokens(path: Path, vocab_size: int) -> None:
    from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

    source, pieces = _read_pieces()
    heldout = pieces[::HOLD_OUT_EVERY]
    train = [p for at, p in enumerate(pieces) if at % HOLD_OUT_EVERY]
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=vocab_size), train)
    n_bytes = sum(len(piece.encode()) for piece in heldout)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        train=tokenizer.encode_batch_to_numpy(train, 1)[0],
        heldout=tokenizer.encode_batch_to_numpy(heldout, 1)[0],
        notes=json.dumps({"source": source, "heldout_bytes": n_bytes}),
    )


def _read_pieces() -> tuple[str, list[str]]:
    """Pieces of about one length, spread evenly over all the text."""
    if os.environ.get("SCRATCHLM_SHARED"):
        from tokenizer_peers import read_texts

        source, texts = "data/pretrain", list(read_texts())
    else:
        from scratchlm.corpus.receipt import Receipt
        from scratchlm.corpus.source_stdlib import collect_stdlib

        source = "the standard library"
        texts = [document.text for document in collect_stdlib(Receipt())]
    cut = [
        text[at : at + PIECE_CHARS]
        for text in texts
        for at in range(0, len(text), PIECE_CHARS)
    ]
    stride = max(1, round(len(cut) * PIECE_CHARS / N_BYTES))
    return source, cut[::stride]
