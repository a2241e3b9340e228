"""The tokenizers that ours is measured against, pinned, and the text for all of them.

The peers that are no dependency of ours are installed once into `.peers/` beside this
checkout's sources, away from its own environment.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from pinned import install_pinned

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("SCRATCHLM_PEERS", HERE.parent / ".peers"))
PINNED = {"rustbpe": "0.1.0", "gigatoken": "0.10.0"}
ORACLES = ("tokenizers", "tiktoken", "numpy")
DOCUMENT_CHARS = 8_000
# A newline after something and before a letter: a border of pieces in every pattern,
# so that documents cut there have the pieces of the whole text.
CUT = re.compile(r"(?<=\S)\n(?=[A-Za-z])")


def install_peers() -> dict[str, str]:
    """Install what is missing; versions by name."""
    return install_pinned(FOLDER, PINNED)


def shared_data() -> Path:
    """The folder of text.

    Raises:
        SystemExit: SCRATCHLM_SHARED is not set.
    """
    shared = os.environ.get("SCRATCHLM_SHARED")
    if shared is None:
        sys.exit("set SCRATCHLM_SHARED to the folder that holds data/pretrain")
    return Path(shared) / "data"


def read_texts() -> Iterator[str]:
    """All texts of data/pretrain, file after file in order of their names."""
    root = shared_data() / "pretrain"
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in files:
        read = lzma.open if path.suffix == ".xz" else open
        with read(path, "rt", encoding="utf-8") as file:
            if ".jsonl" in path.name:
                yield from (json.loads(line)["text"] for line in file)
            else:
                yield file.read()


def write_corpus(path: Path, n_bytes: int) -> str:
    """Write at least `n_bytes` of text (fewer where there is no more); its hash."""
    digest, written = hashlib.sha256(), 0
    with path.open("wb") as file:
        for text in read_texts():
            data = text.strip().encode() + b"\n"
            file.write(data)
            digest.update(data)
            written += len(data)
            if written >= n_bytes:
                break
    return digest.hexdigest()


def read_documents(path: Path) -> Iterator[str]:
    """The text of a file in documents of about 8,000 characters; joined, the text."""
    rest = ""
    with path.open(encoding="utf-8", newline="") as file:
        while block := file.read(1 << 22):
            rest += block
            at = 0
            while match := CUT.search(rest, at + DOCUMENT_CHARS):
                yield rest[at : match.end()]
                at = match.end()
            rest = rest[at:]
    if rest:
        yield rest
