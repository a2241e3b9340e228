"""Training within a memory, and on text that is no text.

SCRATCHLM_SHARED=… python benchmarks/tokenizer_memory.py

Runs `scratchlm tokenizer train --text … --memory …` as a user would, each in a process
of its own whose peak memory is read from the system: on real text several times larger
than the memory, on text of ever new words whose table does not fit, and on files that
are damaged or empty. A case of damaged input must end in a tokenizer, or in one line.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tokenizer_peers as peers
from result import Result

SCRATCHLM = str(Path(sys.executable).with_name("scratchlm"))
MEMORY_MB = 32
REAL_BYTES = 150_000_000
NEW_WORDS_BYTES = 100_000_000


def run_training(text: Path, out: Path, *more: str) -> dict[str, Any]:
    """One training; its status, time, peak memory, last line."""
    command = [SCRATCHLM, "tokenizer", "train", "--text", str(text), "--out", str(out)]
    errors = out.with_suffix(".err")
    begun = time.perf_counter()
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*command, *more], stdout=subprocess.DEVNULL, stderr=file
        )
        _, status, usage = os.wait4(process.pid, 0)
    lines = errors.read_text(errors="replace").strip().splitlines()
    return {
        "case": text.name,
        "bytes": text.stat().st_size,
        "status": os.waitstatus_to_exitcode(status),
        "wall_s": round(time.perf_counter() - begun, 1),
        "peak_mb": round(usage.ru_maxrss * 1024 / 1e6, 1),
        "said": [line for line in lines if line.startswith(("scratchlm:", "Trace"))],
        "notes": [line for line in lines if "left out" in line],
    }


def new_words(n_bytes: int) -> Iterator[bytes]:
    """Words that hardly ever come again, and a few that do."""
    draw = random.Random(0)
    written = 0
    while written < n_bytes:
        words = (
            f"{draw.getrandbits(40):010x}".translate(LETTERS) for _ in range(20_000)
        )
        block = " and the ".join(words).encode() + b"\n"
        written += len(block)
        yield block


LETTERS = str.maketrans("0123456789", "ghijklmnop")


def write_cases(folder: Path) -> dict[str, Path]:
    """Files that are hardly text."""
    draw = random.Random(1)
    cases = {
        "invalid_utf8": draw.randbytes(2_000_000),
        "zeros": bytes(1_000_000),
        "one_line_of_50_mb": b"word after word " * (50_000_000 // 16),
        "one_word_of_50_mb": b"a" * 50_000_000,
        "empty": b"",
    }
    for name, data in cases.items():
        (folder / name).with_suffix(".txt").write_bytes(data)
    return {name: (folder / name).with_suffix(".txt") for name in cases}


def claim_memory(result: Result, folder: Path) -> None:
    """Real text and ever new words, each larger than the memory."""
    real = folder / "real.txt"
    result.work["real_sha256"] = peers.write_corpus(real, REAL_BYTES)
    new = folder / "new_words.txt"
    with new.open("wb") as file:
        file.writelines(new_words(NEW_WORDS_BYTES))
    options = ("--memory", f"{MEMORY_MB}MB", "vocab_size=32768")
    for name, path in (("real_text", real), ("new_words", new)):
        run = run_training(path, folder / f"{name}.json", *options)
        result.runs.append(run)
        print(run, flush=True)
        times = run["bytes"] / (MEMORY_MB * 1e6)
        result.claim(f"{name}_times_the_memory", ">= 3", times)
        result.claim(f"{name}_ends_well", "== 0", run["status"])
        over = run["peak_mb"] - MEMORY_MB
        result.claim(f"{name}_peak_mb_over_the_memory", "<= 100", over)
    free = run_training(real, folder / "free.json", "vocab_size=32768")
    result.runs.append(free)
    kept = tokens_of(folder / "free.json") & tokens_of(folder / "real_text.json")
    result.claim("real_text_same_tokens_frac", ">= 0.98", len(kept) / 32_768)


def tokens_of(path: Path) -> set[bytes]:
    """The tokens of a tokenizer file, the control tokens aside."""
    from scratchlm.tokenizer import Tokenizer

    return set(Tokenizer.load(path).model.tokens_as_bytes())


def claim_hostile(result: Result, folder: Path) -> None:
    """Text that is no text gets a tokenizer or one clear line."""
    for name, path in write_cases(folder).items():
        run = run_training(path, folder / f"{name}.json", "vocab_size=1000")
        result.runs.append(run)
        print(run, flush=True)
        is_clear = run["status"] == 2 and len(run["said"]) == 1
        is_result = run["status"] == 0 and (folder / f"{name}.json").is_file()
        result.claim(f"{name}_result_or_one_line", "== 1", int(is_clear or is_result))


def main() -> None:
    """Run the cases and write `results/tokenizer_memory.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="write no result file")
    dry = parser.parse_args().dry
    result = Result("tokenizer_memory", {"memory_mb": MEMORY_MB})
    with tempfile.TemporaryDirectory() as name:
        claim_memory(result, Path(name))
        claim_hostile(result, Path(name))
    print(result.claims if dry else result.write(("numpy",)))


if __name__ == "__main__":
    main()
