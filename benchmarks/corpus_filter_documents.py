"""Documents for the filters: real ones of every kind, and ones made to be difficult."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import re
import tarfile
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

from scratchlm.corpus.document import Document

PIECE_CHARS = 4_000
PARAGRAPH = re.compile(r"\n{2,}")
SEED = 5


def cut_pieces(text: str, n_chars: int = PIECE_CHARS) -> Iterator[str]:
    """A text, cut at paragraphs into pieces of at least `n_chars`, about a web page."""
    at = 0
    while found := PARAGRAPH.search(text, at + n_chars):
        yield text[at : found.start()]
        at = found.end()
    yield text[at:]


def read_rows(path: Path) -> Iterator[str]:
    """The texts of a compressed file of JSON lines."""
    read = gzip.open if path.suffix == ".gz" else lzma.open
    with read(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["text"] if "text" in row else row["markdown"]


def pretrain_documents(data: Path, n_bytes: int) -> list[Document]:
    """Pieces of all collections, drawn so that together they have about `n_bytes`."""
    documents = []
    for path in sorted(data.glob("pretrain/**/*.jsonl.xz")):
        pieces = (piece for text in read_rows(path) for piece in cut_pieces(text))
        # Of the books (150 MB) every tenth piece is enough to draw from.
        step = 10 if "books" in path.name else 1
        name = path.name.partition(".")[0]
        for n, piece in enumerate(islice(pieces, 0, None, step)):
            if piece:
                documents.append(Document(f"{name}:{n}", piece, name))
    random.Random(SEED).shuffle(documents)
    total = 0
    for n, document in enumerate(documents):
        total += document.n_bytes
        if total >= n_bytes:
            return documents[: n + 1]
    return documents


def messy_documents(data: Path) -> list[Document]:
    """Web pages as text and as source, licences, many languages, odd encodings."""
    documents = []
    for name in (
        "jsonl/dolma-provided_documents_000.jsonl.gz",
        "near-dup/licenses.jsonl.xz",
        "multilingual/tldr-translations.jsonl.xz",
        "multilingual/lid-sentences.jsonl.xz",
    ):
        for n, text in enumerate(read_rows(data / "messy" / name)):
            documents.append(Document(f"{name}:{n}", text, "messy"))
    for path in sorted((data / "messy/encodings").glob("*.txt")):
        text = path.read_bytes().decode("utf-8", "replace")
        documents.append(Document(path.name, text, "messy"))
    path = data / "messy/html/article-extraction-benchmark.tar.xz"
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(".html"):
                page = archive.extractfile(member)
                assert page is not None
                text = page.read().decode("utf-8", "replace")
                documents.append(Document(member.name, text, "messy"))
    return documents


def hard_documents(real: list[Document]) -> list[Document]:
    """Everything that the definitions are silent or surprising about."""
    texts = {
        **{f"plain {n}": text for n, text in enumerate(_plain())},
        **{f"threshold {n}": text for n, text in enumerate(_thresholds())},
        **{f"made {n}": text for n, text in enumerate(_made(2_000))},
        **{f"real {n}": text for n, text in enumerate(_spoilt(real[:150]))},
    }
    return [Document(name, text, "hard") for name, text in texts.items()]


def _plain() -> Iterator[str]:
    yield from ("", "\n", "\n" * 99, "\x00", "\x00" * 99, " ", "\r\n" * 40, "\t", "a")
    yield from ("two words", "one two three", "x" * 5000, "\ud800 " * 60, "\u2028" * 20)
    for words in ("ab c", "a bc"), ("x y", "x y"), ("ab ab", "abab"):
        for parts in product(words, repeat=4):
            yield " ".join(parts * 4)
    line = "The cat sat with the dog that was there, and that is all."
    for n in range(1, 12):
        yield line * n
        yield f"{line}\n" * n
        yield f"\n{line}\n"[: 2 + n * 6]
        yield f"\n\n{line}\n\n\n" * n
        yield f"{line} {n}[1]\n[edit]{line}\n[] {line}{n} [citation needed]\n" * n
        yield "\x0b".join([line] * n) + "\x0c" + "\x1c".join([line] * n) + "\x85"
        yield " ".join(f"w{i} w{i}" for i in range(n * 30))  # ties everywhere


def _thresholds() -> Iterator[str]:
    """Texts on both sides of limits, and on them."""
    for n in (49, 50, 51, 100_000, 100_001):
        yield "the and " * (n // 2) + "the" * (n % 2)
        yield "\n".join(f"word{i} the of and" for i in range(n // 4))
    for n in range(8, 13):
        filler = " ".join(f"and{i} that" for i in range(45))
        yield f"{filler} " + "# " * n + "end" * 2
        yield f"{filler} " + "... " * n + "end" * 2
        yield "\n".join(
            ["- item one of the and"] * n + [f"{i} other" for i in range(1)]
        )
        yield "\n".join([f"and{i} the that..." for i in range(n)] + ["the and"] * 20)
    for n in range(20, 40):  # the share of a repeated line, paragraph, n-gram
        fill = " ".join(f"unique{i}" for i in range(n))
        yield "\n".join(["a line of text."] * 3 + fill.split(" "))
        yield "\n\n".join(["a line of text."] * 3 + fill.split(" "))
        yield "one two three four five six seven eight nine ten " * 2 + fill * 3
        yield f"to be to be to be {fill} to be"


def _made(n: int) -> Iterator[str]:
    """Random texts of few words and many separators."""
    draw = random.Random(SEED)
    words = "a b ab ba the and of to. { } Javascript [1] [edit] lorem ipsum cookies use"
    parts = [*words.split(" "), " ", " ", " ", "\n", "\n\n", "\n\n\n", "\r\n", "\x00"]
    parts += ["…", "...", "•", "-", "#", "é", "中文", "\u3000", "\x0b", "!", "?", '"']
    sentences = [
        "It is so. ",
        "Is that the end? ",
        "They have been with us to the end!\n",
    ]
    for k in range(n):
        some = draw.sample(parts, draw.randrange(1, len(parts))) + sentences * (k % 3)
        yield "".join(
            part + " " * draw.randrange(2)
            for part in draw.choices(some, k=draw.choice([3, 30, 200, 900]))
        )


def _spoilt(documents: list[Document]) -> Iterator[str]:
    """Real text, with something done to it."""
    for document in documents:
        text = document.text
        yield text.replace("\n", "\r\n")
        yield text.replace("\n", "\u2028")
        yield f"\n{text}\n"
        yield text + text
        yield text[:400] * 9
        yield "\n".join(text.split())
        yield text + "\n" + text[: len(text) // 4]
        yield text.replace(". ", ".[1] ").replace("\n", " [edit]\n")
