"""What the public test files of tiktoken, minbpe and rustbpe expect, run on ours.

A vector is a text and the ids that it must get; the other checks are relations, such as
"what is encoded decodes to the same text". Part of `tokenizer_fuzz.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import tiktoken

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.bpe import Merge
from scratchlm.tokenizer.native_encoder import Backend
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.train import TokenizerConfig, train_tokenizer

Check = tuple[str, bool]
"""What was checked, and whether it holds."""

# tiktoken, test_simple_repeated: the ids of 1, 2, 3 … zeros.
ZEROS = (
    *([15], [405], [830], [2388], [20483], [10535], [24598], [8269]),
    *([10535, 830], [8269, 405], [8269, 830], [8269, 2388], [8269, 20483]),
    *([8269, 10535], [8269, 24598], [25645], [8269, 10535, 830]),
)
ROUND_TRIPS = {
    "tiktoken": (
        *("hello", "hello ", "hello  ", " hello", " hello ", " hello  "),
        *("hello world", "请考试我的软件！12345"),
    ),
    "minbpe": ("", "?", "hello world!!!? (안녕하세요!) lol123 😉"),
    "rustbpe": (
        *("hello world", "The quick brown fox jumps over the lazy dog", "12345"),
        *("   spaces   ", "MixedCASE123", ""),
    ),
}
OFFSET_TEXTS = (
    *("hello world", "hello world<|endoftext|> green cow"),
    *("我非常渴望与人工智能一起工作", "நடிகர் சூர்யா", " Ġ除"),
)
REPEATED = ("^", "0", "a", "'s", " ", "\n")

# Vectors that need a file of ranks which is no part of the test files.
NEED_RANKS = {
    "tiktoken_cl100k_vectors": (
        "11 vectors of ids and 5 of offsets need cl100k_base.tiktoken, which a server "
        "has; the split of their texts is held in the fuzz"
    ),
    "tiktoken_p50k_vectors": "1 vector needs p50k_base.tiktoken, fetched from a server",
    "minbpe_gpt4_vectors": "4 texts, 1 with control tokens, need cl100k_base.tiktoken",
    "rustbpe_enwik8_tests": (
        "its training text, enwik8, is fetched from a server; merges are compared with "
        "rustbpe's on another text in tokenizer_train"
    ),
}


def with_backend(tokenizer: Tokenizer, backend: Backend) -> Tokenizer:
    """The same vocabulary in another implementation."""
    return Tokenizer(
        tokenizer.model,
        tokenizer.special_tokens,
        tokenizer.vocab_size,
        backend=backend,
    )


def check_published_ids(gpt2: Tokenizer, vectors: Path) -> Iterator[Check]:
    """GPT-2's ids of the texts of a JSON file: [{"text", "ids"}]."""
    for vector in json.loads(vectors.read_text("utf-8")):
        ids = gpt2.encode(vector["text"])
        yield (
            repr(vector["text"]),
            (ids, gpt2.decode(ids)) == (vector["ids"], vector["text"]),
        )


def check_tiktoken(gpt2: Tokenizer) -> Iterator[Check]:
    """tests/test_encoding.py, test_offsets.py, test_simple_public.py: GPT-2's part."""
    yield "hello world", gpt2.encode("hello world") == [31373, 995]
    yield "decode hello world", gpt2.decode([31373, 995]) == "hello world"
    ids = gpt2.encode("hello <|endoftext|>", allowed_special="all")
    yield "hello <|endoftext|>", ids == [31373, 220, 50256]
    yield "empty", gpt2.encode("") == []
    for count, ids in enumerate(ZEROS, start=1):
        yield f"{count} zeros", gpt2.encode("0" * count) == ids
    thumb = gpt2.encode("👍")
    yield "surrogate pair", gpt2.encode("\ud83d\udc4d") == thumb
    yield "lone surrogate", gpt2.encode("\ud83d") == gpt2.encode("\ufffd")
    for count in range(10):
        data = b"\x80" * count
        yield f"{count} bytes 80", gpt2.decode_bytes(gpt2.encode_bytes(data)) == data
    for thing in REPEATED:
        text = f" {thing * 10_000}\n"
        yield f"many {thing!r}", gpt2.decode(gpt2.encode(text)) == text
    yield from check_round_trips(gpt2, ROUND_TRIPS["tiktoken"])
    texts = list(ROUND_TRIPS["tiktoken"][:2])
    yield "batch", gpt2.encode_batch(texts) == [gpt2.encode(text) for text in texts]
    every = range(gpt2.vocab_size - 1)
    yield (
        "each token's bytes",
        all(gpt2.decode_bytes([i]) == gpt2.token_bytes(i) for i in every),
    )
    yield from check_offsets(gpt2)


def check_offsets(gpt2: Tokenizer) -> Iterator[Check]:
    """Each token's first character, as tiktoken gives it for the same ids."""
    ranks = {token: i for i, token in enumerate(gpt2.bpe.tokens) if token}
    peer = tiktoken.Encoding(
        "gpt2",
        pat_str=PATTERNS["gpt2"],
        mergeable_ranks=ranks,
        special_tokens=gpt2.special_tokens,
    )
    for text in OFFSET_TEXTS:
        _, offsets = gpt2.encode_with_offsets(text, "characters")
        theirs = peer.decode_with_offsets(peer.encode_ordinary(text))
        yield f"offsets of {text!r}", (text, [at for at, _ in offsets]) == theirs


def check_control_tokens(own: Tokenizer) -> Iterator[Check]:
    """tiktoken, test_special_token: which names in a text become control tokens."""
    text = "<|endoftext|> hello <|user|> there <|assistant|>"
    names = ("<|endoftext|>", "<|user|>", "<|assistant|>")
    ids = [own.special_id(name) for name in names]
    allowed: Sequence[tuple[object, list[bool]]] = (
        ((), [False] * 3),
        ("all", [True] * 3),
        *(((name,), [other == name for other in names]) for name in names),
    )
    for some, expected in allowed:
        found = own.encode(text, allowed_special=some)  # type: ignore[arg-type]
        yield f"allowed {some}", [i in found for i in ids] == expected
    million = "x" * 1_000_000
    yield "a million x", own.decode(own.encode(million)) == million


def check_minbpe(backend: Backend, text_file: Path | None) -> Iterator[Check]:
    """tests/test_tokenizer.py: the example of Wikipedia's article, and identity."""
    tokenizer = train(["aaabdaaabac"], 3, backend)
    ids = tokenizer.encode("aaabdaaabac")
    yield "aaabdaaabac", ids == [258, 100, 258, 97, 99]
    yield "aaabdaaabac decoded", tokenizer.decode(ids) == "aaabdaaabac"
    texts = [*ROUND_TRIPS["minbpe"]]
    if text_file is not None:
        texts.append(text_file.read_text("utf-8"))
    yield from check_round_trips(tokenizer, texts)


def check_rustbpe(backend: Backend) -> Iterator[Check]:
    """tests/python/test_tokenizer.py and the tests in src/lib.rs."""
    encoded: Mapping[tuple[Merge, ...], Mapping[str, list[int]]] = {
        (): {"hi": [104, 105], "": []},
        ((104, 105),): {"hi": [256], "hip": [256, 112]},
        ((97, 97), (256, 97)): {"aaa": [257], "aaaa": [256, 256], "aaaaa": [256, 257]},
    }
    for merges, vectors in encoded.items():
        tokenizer = Tokenizer.own(merges, backend=backend)
        for text, ids in vectors.items():
            yield f"{merges} {text!r}", tokenizer.encode(text) == ids
            yield f"{merges} {text!r} decoded", tokenizer.decode(ids) == text
    chained = Tokenizer.own([(65, 66), (256, 67)], backend=backend)
    yield "ranks", chained.bpe.tokens[255:] == (b"\xff", b"AB", b"ABC")
    yield "most frequent", train(["ab"] * 10 + ["cd"] * 5, 1).merges == ((97, 98),)
    yield "chained", train(["aaa"] * 10, 2).merges == ((97, 97), (256, 97))
    tokenizer = train(["hello hello hello", "world world world"], 4, backend)
    yield "vocabulary", len(tokenizer.bpe.tokens) == 260
    texts = ["Hello world", "The quick brown fox", "jumps over the lazy dog", "", "a"]
    single = [tokenizer.encode(text) for text in texts]
    yield "batch", tokenizer.encode_batch(texts) == single
    yield from check_round_trips(tokenizer, ROUND_TRIPS["rustbpe"])
    try:
        Tokenizer.own(backend=backend).decode([300])
        yield "id 300 of 256", False
    except UserError:
        yield "id 300 of 256", True


def check_round_trips(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[Check]:
    """What is encoded decodes to the same text."""
    for text in texts:
        decoded = tokenizer.decode(tokenizer.encode(text))
        yield f"round trip of {text[:40]!r}", decoded == text


def train(texts: list[str], n_merges: int, backend: Backend | None = None) -> Tokenizer:
    """Train with the default pattern and so many merges."""
    config = TokenizerConfig(
        vocab_size=256 + 16 + n_merges, min_frequency=1, max_token_bytes=None
    )
    tokenizer = train_tokenizer(config, texts)
    return tokenizer if backend is None else with_backend(tokenizer, backend)
