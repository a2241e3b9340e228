"""The files that a command names: found, counted, read, split into two parts.

`de=FILE` gives a source its name, else it has the path's. Of a corpus or a run the
held-out documents are measured and the others counted. Web pages, tables and the like
become text in `scratchlm corpus build` first.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress, Silent
from scratchlm.base.units import format_bytes
from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import SUFFIXES
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.store import MANIFEST
from scratchlm.corpus.walk import find_files
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.documents import (
    Labelled,
    Source,
    documents_of,
    kind_of_file,
)

Split = Literal["train", "heldout"]
_OTHER: Mapping[Split, Split] = {"train": "heldout", "heldout": "train"}

HELDOUT_PARTS = 5
"""One document in five is held out where texts are split here."""


def find_sources(words: Iterable[str], split: Split = "heldout") -> list[Source]:
    """The files behind PATH or NAME=PATH words, folders walked; sorted, each once.

    Args:
        words: files or folders; of a corpus or a run the documents of one split.
        split: which.

    Raises:
        UserError: a path that does not exist, a file of another kind, or no file.
    """
    found: dict[Path, Source] = {}
    for word in words:
        label, path = _label(word)
        path = _corpus_part(path, split) or path
        for file in find_files([str(path)], Step("files")):
            try:
                kind = kind_of_file(file.path)
            except UnreadableError as error:
                if path.is_dir():
                    continue
                raise UserError(
                    f"{path} cannot be read as text ({error}); scratchlm corpus build "
                    "takes the text out of pages, tables and archives"
                ) from None
            name = label or _stem(path)
            found.setdefault(
                file.path, Source(file.path, name, label is not None, kind)
            )
    if not found:
        raise UserError("there is no text file among what was given: name some")
    return list(found.values())


def read_documents(
    sources: Sequence[Source], progress: Progress = SILENT
) -> Iterator[Labelled]:
    """All documents of files, one after another.

    Raises:
        UserError: a file that is damaged, with its name.
    """
    meter = _Meter(sources, progress)
    for source in sources:
        for labelled, n_read in documents_of(source):
            meter.update(n_read, 1)
            yield labelled
        meter.finish(source)


def count_sources(
    counts: WordCounts, sources: Sequence[Source], progress: Progress = SILENT
) -> None:
    """Count all files: plain text as its bytes stand, the rest by document."""
    plain = [source for source in sources if source.is_plain]
    meter = _Meter(plain, progress)
    for source in plain:
        counts.add_file(source.path, progress=meter)
        meter.finish(source)
    rest = [source for source in sources if not source.is_plain]
    if rest:
        counts.add_texts(text for _, text in read_documents(rest, progress))


def read_part(
    words: Sequence[str], part: Split, progress: Progress = SILENT
) -> Iterator[Labelled]:
    """The documents to learn from, or those held out: the two share no text.

    A corpus or a run has both; of other files one document in five is held out.
    """
    of_part, rest = find_sources(words, part), find_sources(words, _OTHER[part])
    both = {source.path for source in rest}
    yield from read_documents([s for s in of_part if s.path not in both], progress)
    mixed = [source for source in of_part if source.path in both]
    for label, text in read_documents(mixed, progress):
        if is_heldout(text) == (part == "heldout"):
            yield label, text


def is_heldout(key: str, parts: int = HELDOUT_PARTS) -> bool:
    """Whether a document with this text or name is of the held-out part.

    Equal keys fall on the same side, in any order and on any machine.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % parts == 0


class _Meter(Silent):
    """Bytes of one file after another as a share of all, with the rate so far."""

    def __init__(self, sources: Sequence[Source], progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._total = sum(source.path.stat().st_size for source in sources)
        self._done = 0
        self._begun = time.monotonic()

    def update(self, done: float, total: float, note: str = "") -> None:
        """Say how many bytes of the present file are read."""
        at = self._done + done
        seconds = max(time.monotonic() - self._begun, 1e-9)
        rate = f"{format_bytes(at / seconds)}/s"
        self._progress.update(
            at, self._total, f"of {format_bytes(self._total)}, {rate}"
        )

    def finish(self, source: Source) -> None:
        """Go on to the next file."""
        self._done += source.path.stat().st_size


def _label(word: str) -> tuple[str | None, Path]:
    name, separator, rest = word.partition("=")
    if separator and name and "/" not in name and not Path(word).exists():
        return name, Path(rest).expanduser()
    return None, Path(word).expanduser()


def _corpus_part(path: Path, split: str) -> Path | None:
    """The documents of a split, where a folder is a corpus or a run with one."""
    for folder in (path, path / "corpus"):
        if (folder / MANIFEST).is_file() and (folder / "train").is_dir():
            return folder / split
    return None


def _stem(path: Path) -> str:
    name = path.resolve().name
    for suffix in reversed(path.suffixes):
        if suffix in SUFFIXES or suffix in (".jsonl", ".json", ".txt", ".md"):
            name = name.removesuffix(suffix)
    return name
