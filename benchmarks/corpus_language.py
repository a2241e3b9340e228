"""Languages told right, language by language, and how fast each cleaning rule is.

    python benchmarks/corpus_language.py [--data SHARED/data]

Asks every labelled sentence, of py3langid as it is too; then runs each rule on
documents in memory, on processor time of one core, the best of several turns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import sysconfig
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from result import Result
from scratchlm.corpus.cleaning.config import (
    CleanConfig,
    LanguageConfig,
    LicenceConfig,
    PrivacyConfig,
    SecretsConfig,
)
from scratchlm.corpus.cleaning.language import Language, identify_languages
from scratchlm.corpus.cleaning.language_model import CODES, load_language_model
from scratchlm.corpus.cleaning.rules import build_cleaning_rules, build_privacy_rules
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Rule

TURNS = 5
BATCH = 512
PROSE_CHARS = 5000  # a page of the web, about
SENTENCES = "messy/multilingual/lid-sentences.jsonl.xz"
BOOK = "messy/near-dup/alice-11-0.txt"
WRONG_EVERY = 50  # documents of which one is mojibake
LEAST = 0.95
SENTENCES_TOGETHER = 20
SAME_CHARS = 500  # nowhere more than our sample of a kilobyte, but in rare scripts


def main() -> None:
    """Measure, write the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = os.environ.get("SCRATCHLM_SHARED", "../shared")
    parser.add_argument("--data", type=Path, default=Path(shared) / "data")
    data = parser.parse_args().data
    packed = (data / SENTENCES).read_bytes()
    rows = [json.loads(line) for line in lzma.decompress(packed).splitlines()]
    result = Result(
        "corpus_language",
        {
            "sentences": len(rows),
            "languages": len({row["lang"] for row in rows}),
            "sha256": hashlib.sha256(packed).hexdigest(),
            "speed": "processor time of one core, best of "
            f"{TURNS}; documents of about {PROSE_CHARS} characters",
        },
    )
    measure_languages(result, rows)
    measure_rules(result, rows, data)
    result.write(("py3langid", "ftfy", "numpy"))


def measure_languages(result: Result, rows: Sequence[dict[str, str]]) -> None:
    """Accuracy of ours and of py3langid alone; what our scores mean."""
    texts = [row["text"] for row in rows]
    found = identify_languages(texts)
    ours = [language.code for language in found]
    peer = [CODES.get(label, label) for label in ask_py3langid(texts)]
    table = accuracy_table(rows, ours, peer)
    result.runs.append({"run": "languages", "table": table})
    n_right = sum(row["right"] for row in table)
    accuracy = n_right / len(rows)
    result.claim("language_accuracy", f">= {LEAST}", accuracy)
    theirs = sum(row["py3langid_right"] for row in table) / len(rows)
    result.claim("language_accuracy_over_py3langid", "> 0", accuracy - theirs)
    below = sum(row["accuracy"] < LEAST for row in table)
    result.runs.append({"run": "languages_below_goal", "count": below})
    documents = joined(rows)
    told = identify_languages([row["text"] for row in documents])
    hits = [a.code == row["lang"] for a, row in zip(told, documents, strict=True)]
    result.runs.append({"run": "documents", "count": len(hits), "right": sum(hits)})
    result.claim("language_accuracy_documents", f">= {LEAST}", sum(hits) / len(hits))
    scores, error = calibration(rows, found)
    result.runs.append({"run": "scores", "bins": scores})
    result.claim("language_score_calibration_error", "<= 0.02", error)


def joined(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Documents of twenty sentences of one language."""
    by_language = defaultdict(list)
    for row in rows:
        by_language[row["lang"]].append(row["text"])
    return [
        {"lang": lang, "text": "\n".join(texts[i : i + SENTENCES_TOGETHER])}
        for lang, texts in by_language.items()
        for i in range(0, len(texts), SENTENCES_TOGETHER)
    ]


def ask_py3langid(texts: Sequence[str]) -> list[str]:
    """The labels of py3langid as it comes."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    peer = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return [peer.classify(text)[0] for text in texts]


def accuracy_table(
    rows: Sequence[dict[str, str]], ours: Sequence[str], peer: Sequence[str]
) -> list[dict[str, Any]]:
    """One row a language: how many, how many right, what it was taken for."""
    places = defaultdict(list)
    for i, row in enumerate(rows):
        places[row["lang"]].append(i)
    table = []
    for lang, where in sorted(places.items()):
        right = sum(ours[i] == lang for i in where)
        wrong = Counter(ours[i] for i in where if ours[i] != lang)
        table.append(
            {
                "language": lang,
                "sentences": len(where),
                "right": right,
                "accuracy": round(right / len(where), 3),
                "py3langid_right": sum(peer[i] == lang for i in where),
                "taken_for": dict(wrong.most_common(3)),
            }
        )
    return table


def calibration(
    rows: Sequence[dict[str, str]], found: Sequence[Language]
) -> tuple[list[dict[str, float]], float]:
    """Mean score and share right in ten bins, and their mean distance."""
    bins = defaultdict(list)
    for row, language in zip(rows, found, strict=True):
        right = language.code == row["lang"]
        bins[min(int(language.score * 10), 9)].append((language.score, right))
    table, error = [], 0.0
    for low, pairs in sorted(bins.items()):
        score = sum(score for score, _ in pairs) / len(pairs)
        right = sum(right for _, right in pairs) / len(pairs)
        error += abs(score - right) * len(pairs) / len(rows)
        table.append(
            {
                "from": low / 10,
                "sentences": len(pairs),
                "mean_score": round(score, 4),
                "share_right": round(right, 4),
            }
        )
    return table, error


def measure_rules(result: Result, rows: Sequence[dict[str, str]], data: Path) -> None:
    """MB/s of each rule on English, code and 75 languages."""
    book = (data / BOOK).read_text(encoding="utf-8-sig")
    by_language = sorted(rows, key=lambda row: row["lang"])
    collections = {
        "english": pages(book, "txt"),
        "code": pages(own_code(), "py"),
        "many_languages": pages("\n".join(r["text"] for r in by_language), "txt"),
    }
    load_language_model()
    speeds: dict[str, dict[str, float]] = defaultdict(dict)
    for name, documents in collections.items():
        n_bytes = sum(document.n_bytes for document in documents)
        for rule in every_rule():
            seconds = best_of(lambda r=rule, d=documents: apply(r, d))  # type: ignore[misc]
            speeds[rule.name][name] = round(n_bytes / 1e6 / seconds, 1)
        print(name, {rule: speed[name] for rule, speed in speeds.items()}, flush=True)
    for rule_name, speed in speeds.items():
        result.runs.append({"run": "rule", "rule": rule_name, "mb_per_s": speed})
        result.claim(f"{rule_name}_english_mb_per_s", ">= 10", speed["english"])
    documents = collections["many_languages"]
    for run, n_chars in (("whole pages", PROSE_CHARS), ("the same bytes", SAME_CHARS)):
        texts = [document.text[:n_chars] for document in documents][:BATCH]
        size = sum(len(text.encode()) for text in texts) / 1e6
        peer = size / best_of(lambda t=texts: ask_py3langid_only(t))  # type: ignore[misc]
        ours = size / best_of(lambda t=texts: identify_languages(t))  # type: ignore[misc]
        speed = {"ours_mb_per_s": round(ours, 2), "py3langid_mb_per_s": round(peer, 2)}
        result.runs.append({"run": "language", "on": run, **speed})
    result.claim("language_speed_over_py3langid_same_bytes", ">= 2", ours / peer)


_PEER: list[Any] = []


def ask_py3langid_only(texts: Sequence[str]) -> list[str]:
    """The same without loading the model each time."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    if not _PEER:
        _PEER.append(LanguageIdentifier.from_model_file(MODEL_FILE))
    return [_PEER[0].classify(text)[0] for text in texts]


def every_rule() -> list[Rule]:
    """All rules, switched on."""
    return [
        *build_cleaning_rules(
            CleanConfig(enabled=True, repair_mojibake=True, min_chars=1),
            LicenceConfig(detect=True),
            LanguageConfig(identify=True),
        ),
        *build_privacy_rules(
            SecretsConfig(mask=True),
            PrivacyConfig(mask=("email", "ip", "phone", "card")),
        ),
    ]


def apply(rule: Rule, documents: Sequence[Document]) -> None:
    """One rule over all documents, in batches."""
    for i in range(0, len(documents), BATCH):
        rule.apply(documents[i : i + BATCH])


def best_of(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest turn."""
    times = []
    for _ in range(TURNS):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def pages(text: str, suffix: str) -> list[Document]:
    """A text in pages, again and again until there are about four million
    characters; one page in fifty is read in a wrong encoding.
    """
    cut = [text[i : i + PROSE_CHARS] for i in range(0, len(text), PROSE_CHARS)]
    many = cut * max(1, 4_000_000 // len(text))
    for i in range(0, len(many), WRONG_EVERY):
        wrong = many[i].encode("utf-8", "replace").decode("latin-1")
        many[i] = wrong[:PROSE_CHARS]
    return [Document(f"{i}.{suffix}", page, "made") for i, page in enumerate(many)]


def own_code() -> str:
    """Some of the standard library, in sorted order."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:150]
    return "".join(path.read_text("utf-8", "replace") for path in paths)


if __name__ == "__main__":
    main()
