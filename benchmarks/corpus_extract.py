"""Extraction: articles, and a folder of real mess through the whole build.

SCRATCHLM_SHARED=… python benchmarks/corpus_extract.py

Articles: 91 pages of the article extraction benchmark (scrapinghub, MIT) with what
people say is their text, scored as it scores: 4-grams of words with their counts, each
page's shares made to sum to one, precision and recall the means over pages, F1 from
these two. Beside our reader the plain parser alone and trafilatura's normal mode, each
called in this process.

Mess: every file under `messy` in one build. Each file, archive member and record must
be kept or stand in the receipt with its reason; what is repaired stands there too.
"""

from __future__ import annotations

import json
import os
import random
import re
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from result import Result
from scratchlm.base.hashing import sha256_file
from scratchlm.corpus import CorpusConfig, build_corpus
from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.readers.account import Account
from scratchlm.corpus.readers.bodies import body_text
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.html import declared_charset, plain_text
from scratchlm.corpus.readers.pieces import Reading, read_piece
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.piece import Piece

PACKAGES = ("trafilatura", "lxml", "pypdfium2", "charset-normalizer", "pyarrow")
NGRAM = 4
N_RESAMPLES = 1000
WORD = re.compile(r"\w+")
ARTICLES = "html/article-extraction-benchmark.tar.xz"
ENCODINGS = "encodings/chardet-encodings.tar.xz"

# What the receipt must say of some of these files, at the least.
EXPECTED = {
    "messy/office/password.pdf": "encrypted PDF",
    "messy/office/fake-encrypted.eml": "encrypted message",
    "messy/office/mime-no-body.eml": "without text",
    "messy/office/empty.eml": "empty",
    "messy/office/single_table.pdf": "without text",
    "messy/pdf/pdfminer-simple2.pdf": "without text",
    "messy/json/JSONTestSuite.tar.xz!/n_structure_no_data.json": "empty",
    "messy/json/JSONTestSuite.tar.xz!/n_object_emoji.json": "not JSON",
    "messy/warc/warcio-example-trunc.warc:after 3": "no record",
    "messy/warc/warcio-bad.arc:after 1": "no record",
    "messy/warc/warcio-example-space-in-url.arc:2": "ends within a record",
    "messy/warc/warcio-example-bad.warc.gz.bad:6": "HTTP status 302",
}
Scores = tuple[float, float, float]
Page = tuple[bytes, str]


def main() -> None:
    """Measure and write `results/corpus_extract.json`."""
    messy = Path(os.environ["SCRATCHLM_SHARED"]) / "data" / "messy"
    paths = sorted(path for path in messy.rglob("*") if path.is_file())
    work = {
        "articles": sha256_file(messy / ARTICLES),
        "files": {p.relative_to(messy).as_posix(): sha256_file(p)[:16] for p in paths},
    }
    result = Result("corpus_extract", work)
    measure_articles(result, messy / ARTICLES)
    measure_mess(result, messy, paths)
    measure_encodings(result, messy / ENCODINGS)
    measure_kinds(result, messy, paths)
    print(result.write(PACKAGES))


# --- articles


def measure_articles(result: Result, archive: Path) -> None:
    """F1 of our reader and of the two others on the same pages."""
    pages = list(read_articles(archive))
    with ExtractWorkers(ReadConfig()) as workers:
        account = Account(Receipt(), "")

        def ours(page: bytes) -> str:
            return body_text("html", page, "page", workers, account).text

        ours(pages[0][0])  # the process and its imports
        readers: dict[str, Callable[[bytes], str]] = {
            "ours": ours,
            "trafilatura_normal": normal_mode,
            "plain_parser": lambda page: plain_text(text_of(page)),
        }
        for name, reader in readers.items():
            run = score_reader(reader, pages)
            result.runs.append({"run": "articles", "reader": name, **run})
            print(result.runs[-1], flush=True)
    found = result.runs[0]["f1"]
    result.claim("article_f1", ">= 0.95", found)


def read_articles(archive: Path) -> Iterator[Page]:
    """Pages, and what their articles say."""
    with tarfile.open(archive) as members:
        files = {m.name: members.extractfile(m) for m in members if m.isfile()}
        texts = {name: file.read() for name, file in files.items() if file}
    truth = json.loads(texts["ground-truth.json"])
    for name, item in sorted(truth.items()):
        yield texts[f"html/{name}.html"], item["articleBody"]


def score_reader(
    reader: Callable[[bytes], str], pages: Sequence[Page]
) -> dict[str, Any]:
    """Precision, recall, F1 with a 95 % interval over pages, MB of HTML a second."""
    begin = time.perf_counter()
    found = [reader(page) for page, _ in pages]
    seconds = time.perf_counter() - begin
    scores = [
        score_page(text, said) for text, (_, said) in zip(found, pages, strict=True)
    ]
    precision, recall, f1 = mean_scores(scores)
    draw = random.Random(0)
    drawn = sorted(
        mean_scores(draw.choices(scores, k=len(scores)))[2] for _ in range(N_RESAMPLES)
    )
    return {
        "pages": len(pages),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(f1, 4),
        "f1_low": round(drawn[N_RESAMPLES // 40], 4),
        "f1_high": round(drawn[-N_RESAMPLES // 40], 4),
        "mb_per_s": round(sum(len(page) for page, _ in pages) / 1e6 / seconds, 2),
        "load_of_the_machine": round(os.getloadavg()[0], 1),
    }


def score_page(found: str, said: str) -> Scores:
    """True positives, false positives, false negatives; they sum to one."""
    ours, theirs = shingles(found), shingles(said)
    both = sum((ours & theirs).values())
    counts = (both, sum(ours.values()) - both, sum(theirs.values()) - both)
    total = sum(counts)
    return tuple(count / total for count in counts) if total else (0.0, 0.0, 0.0)  # type: ignore[return-value]


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """4-grams of words; of a shorter text the one that it is."""
    words = WORD.findall(text)
    starts = range(max(1, len(words) - NGRAM + 1))
    grams = (tuple(words[start : start + NGRAM]) for start in starts)
    return Counter(gram for gram in grams if gram)


def mean_scores(scores: Sequence[Scores]) -> tuple[float, float, float]:
    """Mean precision, mean recall, and F1 of the two."""
    precision = fmean(share(true, false) for true, false, _ in scores)
    recall = fmean(share(true, missed) for true, _, missed in scores)
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def share(right: float, wrong: float) -> float:
    """Of what there is, the part that is right; all of nothing is right."""
    return right / (right + wrong) if right + wrong else 1.0


def normal_mode(page: bytes) -> str:
    """trafilatura as it comes."""
    import trafilatura

    return trafilatura.extract(text_of(page), include_comments=False) or ""


def text_of(page: bytes) -> str:
    """A page decoded as our reader does."""
    return decode(page, declared_charset(page)).text


# --- mess


def measure_mess(result: Result, messy: Path, paths: Sequence[Path]) -> None:
    """One build of all of it, and whether the receipt accounts for every file."""
    with tempfile.TemporaryDirectory() as folder:
        config = CorpusConfig(source="files", paths=(str(messy),), ask=False)
        begin = time.perf_counter()
        try:
            corpus = build_corpus(config, Path(folder) / "corpus")
        except Exception:
            traceback.print_exc()
            result.claim("messy_build_without_crash", "== 1", False)
            return
        seconds = time.perf_counter() - begin
        steps = {step["step"]: step for step in corpus.receipt["steps"]}
        files = [
            step
            for name, step in steps.items()
            if name in ("files", "records", "repairs")
        ]
        kept = {d.id for d in every_document(corpus)}
    reasons = {step["step"]: step["reasons"] for step in files}
    result.runs.append(
        {
            "run": "mess",
            "seconds": round(seconds, 1),
            "documents_in_the_end": len(kept),
            "steps": {
                step["step"]: {
                    **{key: step[key] for key in ("in", "kept", "dropped", "failed")},
                    "reasons": {
                        reason: {
                            "count": drop["count"],
                            "examples": drop["examples"][:3],
                        }
                        for reason, drop in step["reasons"].items()
                    },
                }
                for step in files
            },
        }
    )
    result.claim("messy_build_without_crash", "== 1", True)
    result.claim("messy_files_unaccounted", "== 0", unaccounted(messy, paths, reasons))
    result.claim("messy_reasons_without_a_name", "== 0", nameless(reasons))
    result.claim("messy_known_troubles_unnamed", "== 0", unnamed(reasons))
    balanced = all(
        step["in"] == step["kept"] + step["dropped"] + step["failed"] for step in files
    )
    result.claim("messy_counts_add_up", "== 1", balanced)


def every_document(corpus: Any) -> Iterator[Any]:
    """All documents of a corpus."""
    yield from corpus.train_documents()
    yield from corpus.heldout_documents()


def unaccounted(
    messy: Path, paths: Sequence[Path], reasons: Mapping[str, Mapping[str, Any]]
) -> int:
    """Files that neither give a document when read alone nor are named anywhere."""
    named = {
        str(example).partition(":")[0].partition("!")[0].partition("#")[0]
        for by_reason in reasons.values()
        for drop in by_reason.values()
        for example in drop["examples"]
    }
    missing = 0
    with ExtractWorkers(ReadConfig()) as workers:
        for path in paths:
            name = path.relative_to(messy.parent).as_posix()
            if name not in named and not any(read_alone(path, workers)):
                print("unaccounted:", name)
                missing += 1
    return missing


def unnamed(reasons: Mapping[str, Mapping[str, Any]]) -> int:
    """Of the troubles that are known to be there, those the receipt does not name."""
    said = {
        (str(example), reason)
        for by_reason in reasons.values()
        for reason, drop in by_reason.items()
        for example in drop["examples"]
    }
    source = {str(example).partition("messy/")[2]: reason for example, reason in said}
    missing = [
        name
        for name, words in EXPECTED.items()
        if words not in source.get(name.partition("messy/")[2], "")
    ]
    print("unnamed:", missing)
    return len(missing)


def nameless(reasons: Mapping[str, Mapping[str, Any]]) -> int:
    """Reasons of which no example is named."""
    return sum(
        not drop["examples"]
        for by_reason in reasons.values()
        for drop in by_reason.values()
    )


def read_alone(path: Path, workers: ExtractWorkers) -> Iterator[Any]:
    """The documents of one file."""
    piece = Piece(path.name, str(path), path.stat().st_size, "")
    with path.open("rb") as stream:
        yield from read_piece(piece, stream, Reading(ReadConfig(), Receipt(), workers))


# --- encodings and kinds


def measure_encodings(result: Result, archive: Path) -> None:
    """How many files are decoded as the encoding in the name of their folder does."""
    right, wrong, undecodable = 0, [], 0
    with tarfile.open(archive) as members:
        for member in sorted(members, key=lambda member: member.name):
            if not member.isfile():
                continue
            file = members.extractfile(member)
            data = file.read() if file else b""
            try:
                expected = data.decode(member.name.partition("/")[0])
            except (LookupError, UnicodeDecodeError):
                undecodable += 1
                continue
            if decoded_as(data, expected):
                right += 1
            else:
                wrong.append(member.name)
    run = {"right": right, "wrong": wrong, "not_in_the_encoding_named": undecodable}
    result.runs.append({"run": "encodings", **run})


def decoded_as(data: bytes, expected: str) -> bool:
    """Whether our decoding gives the expected text, byte order marks aside."""
    try:
        found = decode(data, declared_charset(data)).text
    except UnreadableError:
        return False
    return found.strip("\ufeff") == expected.strip("\ufeff")


def measure_kinds(result: Result, messy: Path, paths: Sequence[Path]) -> None:
    """Seconds and documents of each folder, read alone."""
    with ExtractWorkers(ReadConfig()) as workers:
        for folder in sorted({path.relative_to(messy).parts[0] for path in paths}):
            inside = [p for p in paths if p.relative_to(messy).parts[0] == folder]
            begin = time.perf_counter()
            documents = [d for path in inside for d in read_alone(path, workers)]
            seconds = time.perf_counter() - begin
            n_bytes = sum(document.n_bytes for document in documents)
            row = {
                "run": "kinds",
                "folder": folder,
                "files": len(inside),
                "documents": len(documents),
                "mb_of_text": round(n_bytes / 1e6, 3),
                "seconds": round(seconds, 2),
            }
            result.runs.append(row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
