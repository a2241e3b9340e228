"""What a corpus is made of: sources, filters, limits and the held-out share.

Lengths are code points unless the name says bytes; a share is a fraction of 1.
"""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config


class CorpusConfig(Config):
    """Everything that decides the bytes of a corpus directory."""

    source: Literal["stdlib", "files"] = "stdlib"
    """Where the text comes from: `stdlib` is this Python's own standard library,
    `files` is what `paths` names."""
    paths: tuple[str, ...] = ()
    """Files and folders to read (txt, md, html, json, jsonl, csv, parquet, zip;
    .gz, .xz and .zst of these); folders are walked in sorted order."""
    chat: str | None = None
    """A file of conversations; without it they are built from the text."""
    preferences: str | None = None
    """A file of preference pairs; without it they are built from the text."""
    text_field: str | None = None
    """The field of json, jsonl, csv and parquet rows that holds the text; without
    it the first of text, content, body, … that a row has."""
    max_conversations: int = Field(default=6000, ge=1)
    """Most conversations to build from the text."""
    heldout_frac: float = Field(default=0.05, gt=0, le=0.5)
    """Share of the bytes that is held out of everything, in whole documents."""
    max_heldout_frac: float = Field(default=0.08, gt=0, le=0.6)
    """Most bytes that may be held out to reach `min_heldout_functions`; where
    `heldout_frac` is larger, 1.6 times that."""
    min_heldout_functions: int = Field(default=250, ge=0)
    """Documented functions that the held-out modules of `stdlib` shall have."""
    near_dup_threshold: float = Field(default=0.8, gt=0, le=1)
    """Jaccard similarity of five-word shingles from which a document is removed
    as the near-duplicate of one that is kept."""
    split_threshold: float = Field(default=0.5, gt=0, le=1)
    """Jaccard similarity from which two documents stay on one side of the split."""
    min_document_chars: int = Field(default=50, ge=1)
    """Shorter documents are dropped."""
    min_corpus_bytes: int = Field(default=20_000, ge=1)
    """Less text than this in all is refused: it fills about ten contexts."""
    max_file_bytes: int = Field(default=2**30, ge=1)
    """Larger files are skipped, and so is what unpacks to more than this."""
    max_expansion: float = Field(default=200.0, gt=1)
    """What grows by more than this factor when it is unpacked, and past 16 MiB, is
    skipped as a bomb."""
    html_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds after which the extraction of one web page is stopped."""
    repair_mojibake: bool = False
    """Undo UTF-8 read as Windows-1252 where that is certain (own text only)."""
    seed: int = 0
    """Decides which documents are held out and what the conversations ask."""
