"""Are ids the same as others'? Fuzzed texts, every code point, published vectors.

SCRATCHLM_SHARED=… python benchmarks/tokenizer_fuzz.py [--texts 110000]

For each of the six split patterns a vocabulary of our own is trained and handed to
tiktoken (as ranks, with the pattern's text as tiktoken publishes it where it does) and
to tokenizers (as tokenizer.json). Each of our implementations that is here must give
their ids. Bytes that are no UTF-8, which those libraries do not take, are held against
our specification.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import tiktoken
import tiktoken_ext.openai_public as published
import tokenizers

from fuzz_texts import fuzz_bytes, fuzz_texts
from result import Result
from scratchlm import native
from scratchlm.base.hashing import sha256_file, sha256_json
from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.huggingface import to_huggingface_json
from scratchlm.tokenizer.imported import read_merges
from scratchlm.tokenizer.native_encoder import Backend
from scratchlm.tokenizer.pattern import PATTERN_CODES, PATTERNS, PatternName
from scratchlm.tokenizer.train import TokenizerConfig, train_tokenizer
from tokenizer_vectors import (
    NEED_RANKS,
    Check,
    check_control_tokens,
    check_minbpe,
    check_published_ids,
    check_rustbpe,
    check_tiktoken,
    with_backend,
)

VOCAB_SIZE = 4096
N_TRAINING_TEXTS = 60_000
TRAINING_SEED = 1
BLOCK = 10_000  # texts held at a time
MAX_EXAMPLES = 5
BACKENDS: tuple[Backend, ...] = (
    *(("native",) if native.core is not None else ()),
    "python",
    "specification",
)

Ids = Callable[[Any], list[int]]
"""What encodes one text, or one string of bytes."""


def main() -> None:
    """Measure and write `results/tokenizer_fuzz.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=110_000, help="texts a pattern")
    parser.add_argument("--bytes", type=int, default=20_000, help="byte strings each")
    parser.add_argument("--minbpe-text", type=Path, help="minbpe's tests/*.txt")
    arguments = parser.parse_args()
    work = {
        "texts_a_pattern": arguments.texts,
        "byte_strings_a_pattern": arguments.bytes,
        "vocab_size": VOCAB_SIZE,
        "training": f"{N_TRAINING_TEXTS} fuzzed texts, seed {TRAINING_SEED}",
        "first_1000_texts": sha256_json(list(fuzz_texts(1000, seed_of("gpt2")))),
        "native": native.why,
        "native_sha256": native.core and sha256_file(Path(native.core.__file__)),
    }
    result = Result("tokenizer_fuzz", work)
    for name in PATTERN_CODES:
        claim_pattern(result, name, arguments.texts, arguments.bytes)
    claim_vectors(result, arguments.minbpe_text)
    print(result.write(("tiktoken", "tokenizers", "numpy")))


def claim_pattern(
    result: Result, name: PatternName, n_texts: int, n_bytes: int
) -> None:
    """All comparisons of one pattern."""
    config = TokenizerConfig(
        vocab_size=VOCAB_SIZE, pattern=name, max_token_bytes=None, min_frequency=1
    )
    trained = train_tokenizer(config, fuzz_texts(N_TRAINING_TEXTS, TRAINING_SEED))
    ours = {backend: with_backend(trained, backend) for backend in BACKENDS}
    peers = {"tiktoken": in_tiktoken(trained), "tokenizers": in_tokenizers(trained)}
    encoders = {backend: tokenizer.encode for backend, tokenizer in ours.items()}

    seen = compare(peers | encoders, fuzz_texts(n_texts, seed_of(name)))
    claim(result, f"{name}_texts", seen, against=("tiktoken", "tokenizers"))
    result.claim(f"{name}_distinct_texts", ">= 100000", seen["distinct"])

    if native.core is not None:
        some = {"tiktoken": peers["tiktoken"], "native": ours["native"].encode}
        seen = compare(some, every_code_point())
        claim(result, f"{name}_every_code_point", seen, against=("tiktoken",))

    encoders = {backend: t.encode_bytes for backend, t in ours.items()}
    seen = compare(encoders, fuzz_bytes(n_bytes, seed_of(name)))
    claim(result, f"{name}_bytes", seen, against=("specification",))


def seed_of(name: PatternName) -> int:
    """Each pattern has texts of its own."""
    return 1000 + PATTERN_CODES[name]


def compare(encoders: dict[str, Ids], texts: Iterable[Any]) -> dict[str, Any]:
    """Encode with all; how often each pair differs, and on what.

    Returns:
        How many `texts`, `distinct` texts and `bytes`; CPU `seconds` of each encoder;
        `differ`: (one, other) -> [how often, examples].
    """
    seen: dict[str, Any] = {"texts": 0, "bytes": 0, "differ": {}}
    seconds = dict.fromkeys(encoders, 0.0)
    stream = iter(texts)
    distinct: set[int] = set()
    while block := list(islice(stream, BLOCK)):
        seen["texts"] += len(block)
        seen["bytes"] += sum(
            len(t) if isinstance(t, bytes) else len(t.encode()) for t in block
        )
        distinct.update(map(hash, block))
        found = {}
        for name, encode in encoders.items():
            begun = time.process_time()
            found[name] = [encode(text) for text in block]
            seconds[name] += time.process_time() - begun
        count_differences(seen["differ"], found, block)
    seen["distinct"] = len(distinct)
    seen["seconds"] = {name: round(spent, 2) for name, spent in seconds.items()}
    return seen


def count_differences(
    differ: dict[tuple[str, str], list[Any]],
    found: dict[str, list[list[int]]],
    texts: list[Any],
) -> None:
    """Add what differs between each two encoders."""
    for one in found:
        for other in found:
            entry = differ.setdefault((one, other), [0, []])
            if found[one] == found[other]:
                continue
            wrong = [
                text
                for text, a, b in zip(texts, found[one], found[other], strict=True)
                if a != b
            ]
            entry[0] += len(wrong)
            entry[1] = (entry[1] + list(map(ascii, wrong)))[:MAX_EXAMPLES]


def claim(
    result: Result, what: str, seen: dict[str, Any], against: tuple[str, ...]
) -> None:
    """One claim a peer: how often any of our implementations differs from it."""
    differ = seen.pop("differ")
    mismatches, examples = {}, {}
    for peer in against:
        ours = [backend for backend in BACKENDS if backend != peer]
        found = {f"{b} vs {peer}": differ[b, peer] for b in ours if (b, peer) in differ}
        mismatches |= {pair: wrong for pair, (wrong, _) in found.items()}
        examples |= {pair: texts for pair, (_, texts) in found.items() if texts}
        total = sum(wrong for wrong, _ in found.values())
        result.claim(f"{what}_vs_{peer}_mismatches", "== 0", total)
    run = {"compared": what, **seen, "mismatches": mismatches, "examples": examples}
    result.runs.append(run)
    print(run, flush=True)


def every_code_point() -> Iterator[str]:
    """Each code point as a word's begin, middle and end, beside a digit and a sign."""
    for point in range(0x110000):
        if not 0xD800 <= point < 0xE000:
            c = chr(point)
            yield f"a{c} 1{c}\n{c}'s {c}A.{c}{c}'{c}b {c}"


def in_tiktoken(tokenizer: Tokenizer) -> Ids:
    """The vocabulary as ranks."""
    tokens = tokenizer.bpe.tokens
    pattern = tokenizer.bpe.pattern
    return tiktoken.Encoding(
        "ours",
        pat_str=published_patterns().get(pattern, PATTERNS[pattern]),
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={},
    ).encode_ordinary


def published_patterns() -> dict[PatternName, str]:
    """The patterns that tiktoken's own source has; its files are not fetched."""
    with (
        patch.object(published, "load_tiktoken_bpe", lambda *a, **k: {}),
        patch.object(published, "data_gym_to_mergeable_bpe_ranks", lambda *a, **k: {}),
    ):
        return {
            "gpt2": published.gpt2()["pat_str"],
            "cl100k": published.cl100k_base()["pat_str"],
            "o200k": published.o200k_base()["pat_str"],
        }


def in_tokenizers(tokenizer: Tokenizer) -> Ids:
    """The vocabulary as tokenizer.json, without control tokens."""
    form = to_huggingface_json(tokenizer) | {"added_tokens": []}
    peer = tokenizers.Tokenizer.from_str(json.dumps(form))
    return lambda text: peer.encode(text, add_special_tokens=False).ids


def claim_vectors(result: Result, minbpe_text: Path | None) -> None:
    """The vectors of GPT-2, and of the test files of other projects."""
    for name, why in NEED_RANKS.items():
        result.absent(name, "== 0", why)
    if minbpe_text is None:
        why = "--minbpe-text was not given: the text is part of its repository"
        result.absent("minbpe_text_file", "== 0", why)
    own = Tokenizer.own()
    hold(result, "minbpe", lambda backend: check_minbpe(backend, minbpe_text))
    hold(result, "rustbpe", check_rustbpe)
    hold(
        result,
        "tiktoken_control_tokens",
        lambda backend: check_control_tokens(with_backend(own, backend)),
    )
    shared = os.environ.get("SCRATCHLM_SHARED")
    if shared is None:
        result.absent("gpt2_vectors", "== 0", "SCRATCHLM_SHARED is not set")
        return
    folder = Path(shared) / "fixtures" / "tokenizer"
    vectors = folder / "gpt2_vectors.json"
    gpt2 = read_merges(folder / "gpt2_merges.txt", "gpt2")
    same = {backend: with_backend(gpt2, backend) for backend in BACKENDS}
    hold(result, "gpt2", lambda backend: check_published_ids(same[backend], vectors))
    hold(result, "tiktoken_gpt2", lambda backend: check_tiktoken(same[backend]))


def hold(
    result: Result, what: str, check: Callable[[Backend], Iterable[Check]]
) -> None:
    """Claim that all checks hold for each of our implementations."""
    failed = {}
    for backend in BACKENDS:
        checked = list(check(backend))
        failed[backend] = [name for name, holds in checked if not holds]
    n_failed = sum(map(len, failed.values()))
    result.claim(f"{what}_vectors_failed", "== 0", n_failed)
    result.runs.append({"checked": what, "vectors": len(checked), "failed": failed})


if __name__ == "__main__":
    main()
