"""Decontamination: 50 evaluation items in seven disguises, and a corpus without them.

SCRATCHLM_SHARED=… python benchmarks/corpus_decontaminate.py [--megabytes 40]

Carriers are documents of the pretraining text; items come from all evaluation files,
and all of these are looked for. Each planted item stands in seven documents, once in
each disguise. What is found in the corpus without plants is held against a search of
its own: 13 words of the item in a row, by a regular expression on both texts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from result import Result
from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.index_build import build_index
from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.decontaminate.item_files import find_item_files, read_items
from scratchlm.corpus.decontaminate.matching import Matches
from scratchlm.corpus.decontaminate.pieces import BLOCK_BYTES, Piece
from scratchlm.corpus.decontaminate.steps import (
    build_decontaminate_step,
    check_final,
    read_report,
)
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.executor import InProcess
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.rounds import Shard, decisions_path
from scratchlm.corpus.flow.stages import (
    DOCUMENTS,
    ShardTasks,
    run_step,
    write_canaries,
)
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.flow.task import Task

N_ITEMS = 50
FEWEST_WORDS, MOST_WORDS = 26, 120
SHARD_BYTES = 16 * 2**20
MEMORY_BYTES = 10**9
WORD = re.compile(r"[^\W_]+")

Disguise = Callable[[str, random.Random], str]


def in_capitals(text: str, draw: random.Random) -> str:
    """CASE."""
    return text.upper()


def punctuated(text: str, draw: random.Random) -> str:
    """Other marks between the words, and none of the old ones."""
    marks = (" ", ", ", " - ", "; ", "... ", " (", ") ", " / ", " * ", ": ")
    return "".join(word + draw.choice(marks) for word in WORD.findall(text))


def over_lines(text: str, draw: random.Random) -> str:
    """A few words a line, quoted and indented."""
    lines, words = [], text.split()
    while words:
        n = draw.randint(1, 4)
        lines.append("  > " + " ".join(words[:n]))
        words = words[n:]
    return "\n\n" + "\n".join(lines) + "\n\n"


def in_a_megabyte(text: str, draw: random.Random) -> str:
    """In the middle of one line of a megabyte."""
    syllables = ("ka", "to", "mi", "ren", "sul", "vo", "pli", "gra")
    words = ["".join(draw.choices(syllables, k=3)) for _ in range(150_000)]
    words.insert(len(words) // 2, text.replace("\n", " "))
    return " ".join(words)


def typeset(text: str, draw: random.Random) -> str:
    """No-break and thin blanks, curly quotes, long dashes."""
    blanks = ("\N{NO-BREAK SPACE}", "\N{THIN SPACE}", " \N{EM DASH} ")
    words = [f"\N{LEFT DOUBLE QUOTATION MARK}{word}" for word in WORD.findall(text)]
    return "".join(word + draw.choice(blanks) for word in words)


def edited(text: str, draw: random.Random) -> str:
    """Every seventeenth word replaced."""
    words = WORD.findall(text)
    words[16::17] = ["otherwise"] * len(words[16::17])
    return " ".join(words)


def in_part(text: str, draw: random.Random) -> str:
    """Three fifths of it."""
    words = WORD.findall(text)
    begin = draw.randint(0, len(words) - len(words) * 3 // 5)
    return " ".join(words[begin : begin + len(words) * 3 // 5])


DISGUISES: Mapping[str, Disguise] = {
    "case": in_capitals,
    "punctuation": punctuated,
    "lines": over_lines,
    "megabyte": in_a_megabyte,
    "typography": typeset,
    "edited": edited,
    "part": in_part,
}


def plant(text: str, leak: str, draw: random.Random) -> str:
    """A leak between two words of a text."""
    at = text.find(" ", draw.randrange(max(1, len(text))))
    at = len(text) if at < 0 else at
    return f"{text[:at]} {leak} {text[at:]}"


def choose_items(items: Sequence[Item], n: int) -> list[Item]:
    """Items long enough for each disguise, of as many tasks as there are, by hash."""
    able: dict[str, list[Item]] = {}
    for item in items:
        n_words = len(WORD.findall(item.prompts[0]))
        if FEWEST_WORDS <= n_words <= MOST_WORDS and item.prompts[0].isascii():
            able.setdefault(item.task, []).append(item)
    ranked = sorted(
        (rank, by_name(item.name), item)
        for found in able.values()
        for rank, item in enumerate(sorted(found, key=lambda i: by_name(i.name)))
    )
    chosen: dict[str, Item] = {}
    for _, _, item in ranked:
        chosen.setdefault(" ".join(WORD.findall(item.prompts[0])[:20]), item)
        if len(chosen) == n:
            break
    return list(chosen.values())


def by_name(name: str) -> str:
    """A hash to sort by."""
    return hashlib.sha256(name.encode()).hexdigest()


def read_carriers(folder: Path, megabytes: float) -> Iterator[Document]:
    """Documents of the pretraining text, up to so many megabytes."""
    left = megabytes * 1e6
    for path in sorted(folder.glob("*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                text = json.loads(line)["text"]
                left -= len(text.encode())
                if left < 0:
                    return
                yield Document(f"{path.name}:{number:07d}", text, "pretrain")


def plant_all(
    carriers: Sequence[Document], items: Sequence[Item]
) -> tuple[list[Document], dict[str, tuple[str, str]]]:
    """The corpus with plants, and which document holds which item in which disguise."""
    draw = random.Random(5)
    planted, where = list(carriers), {}
    places = iter(draw.sample(range(len(carriers)), len(items) * len(DISGUISES)))
    for item in items:
        for name, disguise in DISGUISES.items():
            carrier = carriers[next(places)]
            leak = disguise(item.prompts[0], draw)
            text = plant(carrier.text, leak, draw)
            place = planted.index(carrier)
            planted[place] = Document(f"{carrier.id}+{name}", text, carrier.source)
            where[f"{carrier.id}+{name}"] = (item.name, name)
    return planted, where


class Corpus:
    """Documents as shards in a work directory, and the step run over them."""

    def __init__(self, work: Path, documents: Sequence[Document]) -> None:
        self.graph = Graph(work, InProcess(), MEMORY_BYTES)
        self.shards = [
            ShardTasks(str(number), "pretrain", f"read/{number}")
            for number, _ in enumerate(in_shards(documents))
        ]
        for number, shard in enumerate(in_shards(documents)):
            write = Task(f"read/{number}", write_canaries, {"documents": shard})
            self.graph.run([write])

    def decontaminate(self, config: DecontaminateConfig) -> tuple[Path, float]:
        """Where the judge's report lies, and the seconds that all rounds took."""
        begun = time.perf_counter()
        step = build_decontaminate_step(config)
        task = run_step(self.graph, step, self.shards, {})[0]
        return self.graph.path(task), time.perf_counter() - begun

    def write_rest(self, judged: Path, folder: Path) -> list[Path]:
        """What is left, as final parts."""
        paths = []
        for number, shard in enumerate(self.shards):
            source = self.graph.path(shard.documents, DOCUMENTS)
            left = Shard(0, "pretrain", source, (decisions_path(judged, number),))
            documents = (d for batch in left.batches() for d in batch.documents())
            paths.append(folder / f"{number}.parquet")
            write_documents(paths[-1], documents)
        return paths


def in_shards(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Documents in groups of about 16 MiB."""
    shard, size = [], 0
    for document in documents:
        shard.append(document)
        size += document.n_bytes
        if size >= SHARD_BYTES:
            yield shard
            shard, size = [], 0
    if shard:
        yield shard


def measure_speed(documents: Sequence[Document], items: Sequence[Item]) -> list[float]:
    """MB/s of looking for all items, on one core, three times."""
    config = DecontaminateConfig()
    index = build_index(items, config)
    pieces = [
        Piece(number, document.id, document.text.encode(), 0, document.n_bytes)
        for number, document in enumerate(documents)
        if document.n_bytes < BLOCK_BYTES
    ]
    blocks = [pieces[at : at + 16] for at in range(0, len(pieces), 16)]
    n_bytes, rates = sum(piece.end for piece in pieces), []
    for _ in range(4):
        matches, begun = Matches(index, config), time.process_time()
        for block in blocks:
            matches.add(block)
        rates.append(n_bytes / 1e6 / (time.process_time() - begun))
    return rates[1:]  # the first one loads tables


def stands_there(item: Item, text: str, n_words: int = 13) -> bool:
    """Do 13 words of a part of the item stand in the text? Not our code."""
    words = " ".join(WORD.findall(text.lower()))
    for part in (*item.prompts, *item.choices, *item.answers):
        own = WORD.findall(part.lower())
        for at in range(len(own) - n_words + 1):
            if " ".join(own[at : at + n_words]) in words:
                return True
    return False


def run(shared: Path, megabytes: float, scratch: Path) -> None:
    """Everything, and the result file."""
    evaluation = shared / "data" / "eval"
    config = DecontaminateConfig(files=(str(evaluation),))
    files = find_item_files(config.files)
    items = [i for name, path in files for i in read_items(name, path, config)]
    chosen = choose_items(items, N_ITEMS)
    carriers = list(read_carriers(shared / "data" / "pretrain", megabytes))
    n_bytes = sum(document.n_bytes for document in carriers)
    print(f"{len(items)} items, {len(carriers)} documents, {n_bytes / 1e6:.1f} MB")
    clean, clean_s = Corpus(scratch / "clean", carriers).decontaminate(config)
    planted, where = plant_all(carriers, chosen)
    corpus = Corpus(scratch / "planted", planted)
    judged, planted_s = corpus.decontaminate(config)
    again = check_final(config, corpus.write_rest(judged, scratch), judged)

    by_name_ = {item.name: item for item in items}
    by_id = {document.id: document.text for document in carriers}
    in_clean = list(read_report(clean))
    false = [
        row
        for row in in_clean
        if not stands_there(
            by_name_[f"{row['task']}:{row['item']}"], by_id[row["document"]]
        )
    ]
    found = {
        (row["document"], f"{row['task']}:{row['item']}") for row in read_report(judged)
    }
    by_disguise = {
        name: sum(
            (document, item) in found
            for document, (item, d) in where.items()
            if d == name
        )
        for name in DISGUISES
    }
    rates = measure_speed(carriers, items)
    result = Result(
        "corpus_decontaminate",
        {
            "items": len(items),
            "tasks": len({item.task for item in items}),
            "planted": [item.name for item in chosen],
            "disguises": {n: (d.__doc__ or "").strip() for n, d in DISGUISES.items()},
            "text_mb": round(n_bytes / 1e6, 1),
            "text_sha256": text_hash(carriers),
        },
    )
    result.runs = [
        {"run": "planted", "wall_s": round(planted_s, 2), "found": by_disguise},
        {"run": "clean", "wall_s": round(clean_s, 2), "found": named(in_clean)},
        {"run": "masked", "found": named(again["found_items"])},
        {"run": "speed", "mb_per_s": [round(rate, 1) for rate in rates]},
    ]
    left = {row["document"] for row in again["found_items"]} & set(where)
    total = sum(by_disguise.values())
    result.claim("planted_leaks_found_of_350", "== 350", total)
    worst = min(by_disguise.values())
    result.claim("items_found_in_the_worst_disguise_of_50", "== 50", worst)
    named_items = {(row["task"], row["item"]) for row in in_clean}
    result.claim("found_in_text_with_nothing_planted", "== 0", len(named_items))
    result.claim("found_in_clean_text_without_13_words_verbatim", "== 0", len(false))
    result.claim("planted_documents_with_an_item_after_masking", "== 0", len(left))
    speed = round(statistics.median(rates), 1)
    result.claim("search_for_all_items_mb_per_s_a_core", ">= 10", speed)
    result.write(("numpy", "pyarrow"))


def named(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was found, without the text."""
    return [
        f"{row['task']}:{row['item']} in {row['document']}: {row['rule']}, "
        f"share {row['share']}"
        for row in rows
    ]


def text_hash(documents: Sequence[Document]) -> str:
    """SHA-256 of all texts."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(document.text.encode())
    return digest.hexdigest()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=40.0)
    megabytes = parser.parse_args().megabytes
    shared = os.environ.get("SCRATCHLM_SHARED")
    if not shared:
        raise SystemExit("set SCRATCHLM_SHARED to the folder that holds data/")
    with tempfile.TemporaryDirectory() as folder:
        run(Path(shared), megabytes, Path(folder))


if __name__ == "__main__":
    main()
