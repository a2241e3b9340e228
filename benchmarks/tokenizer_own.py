"""A tokenizer trained on a kind of text against GPT-2's, on text of that kind held out.

SCRATCHLM_SHARED=… python benchmarks/tokenizer_own.py

Code: the modules of `pretrain/python-code`. German, Russian, Chinese: the contexts of
`eval/xquad` and the pages of `messy/multilingual/tldr-translations`. What belongs
together (the paragraphs of an article, a page in all its languages) has one name and
falls on one side; a text that occurs twice is taken once. A fifth of the names is held
out. Intervals draw those names, not single paragraphs.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from result import Result
from scratchlm.base.hashing import sha256_file, sha256_json
from scratchlm.tokenizer import Tokenizer, TokenizerConfig
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.imported import import_tokenizer
from scratchlm.tokenizer.report import build_report
from scratchlm.tokenizer.sources import HELDOUT_PARTS, is_heldout
from scratchlm.tokenizer.sweep import nested_tokenizers

SIZES = (2048, 4096, 8192)
CLAIMED = 4096
PATTERN = "llama3"
LANGUAGES = {"german": "de", "russian": "ru", "chinese": "zh"}
CODE = "pretrain/python-code.jsonl.xz"
PAGES = "messy/multilingual/tldr-translations.jsonl.xz"


@dataclass(frozen=True)
class Document:
    """A text and the name of what it belongs to."""

    name: str
    text: str


def main() -> None:
    """Measure and write `results/tokenizer_own.json`."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    shared = os.environ.get("SCRATCHLM_SHARED")
    if not shared:
        raise SystemExit("SCRATCHLM_SHARED is not set: name the folder of shared data")
    data, merges = Path(shared) / "data", "fixtures/tokenizer/gpt2_merges.txt"
    generic = import_tokenizer(Path(shared) / merges)
    result = Result("tokenizer_own", describe_work(data, Path(shared) / merges))
    for kind, read in readers(data).items():
        measure_kind(result, kind, read(), generic)
    print(result.write(("numpy",)))


def readers(data: Path) -> dict[str, Callable[[], list[Document]]]:
    """What reads each kind of text."""

    def language(code: str) -> Callable[[], list[Document]]:
        return lambda: once([*articles(data, code), *pages(data, code)])

    return {
        "code": lambda: once(modules(data)),
        **{name: language(code) for name, code in LANGUAGES.items()},
    }


def measure_kind(
    result: Result, kind: str, documents: Sequence[Document], generic: Tokenizer
) -> None:
    """Train on four fifths, measure on the rest, claim the gain."""
    train = [d for d in documents if not is_heldout(d.name)]
    heldout = [d for d in documents if is_heldout(d.name)]
    check_apart(train, heldout)
    counts = WordCounts(PATTERN)
    counts.add_texts(document.text for document in train)
    groups = by_name(heldout)
    for size, own in nested_tokenizers(
        TokenizerConfig(pattern=PATTERN), counts, SIZES
    ).items():
        [row] = build_report(own, {kind: groups}, generic).data["sources"]
        result.runs.append(
            {
                "kind": kind,
                "vocab_size": size,
                "n_merges": len(own.merges),
                "train_documents": len(train),
                "train_bytes": counts.n_bytes,
                "heldout_documents": len(heldout),
                "heldout_groups": len(groups),
                "own": row["bytes_per_token"],
                "gpt2": row["against"],
                "ratio": row["ratio"],
                "tokenizer_sha256": own.sha256,
            }
        )
        if size == CLAIMED:
            name = f"{kind}_bytes_per_token_vs_gpt2_ratio"
            result.claim(name, ">= 1.1", row["ratio"]["value"])


def modules(data: Path) -> Iterator[Document]:
    """Python modules, each by itself."""
    for row in read_rows(data / CODE):
        yield Document(row["id"], row["text"])


def articles(data: Path, language: str) -> Iterator[Document]:
    """Paragraphs of encyclopedia articles, which have several questions each."""
    path = data / f"eval/xquad/xquad.{language}.json.xz"
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for article in json.load(file)["data"]:
            for paragraph in article["paragraphs"]:
                yield Document(f"xquad/{article['title']}", paragraph["context"])


def pages(data: Path, language: str) -> Iterator[Document]:
    """Pages on commands; a page has one name in all languages."""
    for row in read_rows(data / PAGES):
        if row["lang"] == language:
            yield Document(f"tldr/{row['command']}", row["markdown"])


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a packed jsonl file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def once(documents: Iterator[Document] | Sequence[Document]) -> list[Document]:
    """Each text once, under the first name that it has."""
    first: dict[str, Document] = {}
    for document in documents:
        first.setdefault(document.text.strip(), document)
    return list(first.values())


def by_name(documents: Sequence[Document]) -> list[str]:
    """All texts of a name as one, so that the bootstrap draws names."""
    groups: dict[str, list[str]] = {}
    for document in documents:
        groups.setdefault(document.name, []).append(document.text)
    return ["\n\n".join(texts) for texts in groups.values()]


def check_apart(train: Sequence[Document], heldout: Sequence[Document]) -> None:
    """No name and no text stands on both sides."""
    assert train and heldout
    assert not {d.name for d in train} & {d.name for d in heldout}
    assert not {d.text.strip() for d in train} & {d.text.strip() for d in heldout}


def describe_work(data: Path, merges: Path) -> Mapping[str, Any]:
    """What is measured on what."""
    names = [
        CODE,
        PAGES,
        *(f"eval/xquad/xquad.{c}.json.xz" for c in LANGUAGES.values()),
    ]
    files = {name: sha256_file(data / name) for name in names}
    return {
        "files": files,
        "files_sha256": sha256_json(files),
        "gpt2_merges_sha256": sha256_file(merges),
        "gpt2_vocab_size": 50257,
        "pattern": PATTERN,
        "vocab_sizes": list(SIZES),
        "claimed_vocab_size": CLAIMED,
        "heldout": f"1 of {HELDOUT_PARTS} names, by hash",
    }


if __name__ == "__main__":
    main()
