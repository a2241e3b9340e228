"""Texts that tokenizers stumble over, and small tokenizers trained on them."""

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer

TRICKY = [
    *"aZ09'!-_.(/\"",
    *" \t\n\r\x00\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u200b\u3000\ufeff",
    *"éßſſтж中あ한עاไ्½Ⅷ٣०²ǅʰ\u0301\u20dd€–…“",
    *"𝐀𝟗🎉👍🏽\U0001f469\u200d\U0001f4bb\U00013ae8\U0001e5f1\U00016130\U000e0001",
    *["  ", "   ", "\r\n", "\n\n", " \n", "\n ", "'s", "'S", "'ſ", "'Ll", "'RE", "''d"],
    *["the", "The", " and", "don't", "self", "return", "    ", "12345", "def ", "=="],
]


@pytest.fixture(scope="session")
def fuzz() -> Callable[[int, int], list[str]]:
    """A function (count, seed) -> texts joined from tricky fragments."""

    def build(count: int, seed: int) -> list[str]:
        draw = random.Random(seed)
        return [build_text(draw) for _ in range(count)]

    return build


def build_text(draw: random.Random) -> str:
    """Tricky fragments, and a few code points from anywhere but the surrogates."""
    anywhere = [
        chr(draw.choice((draw.randrange(0xD800), 0xE000 + draw.randrange(0x102000))))
        for _ in range(2)
    ]
    return "".join(draw.choices(TRICKY + anywhere, k=draw.randrange(1, 24)))


@pytest.fixture(scope="session")
def texts(fuzz: Callable[[int, int], list[str]]) -> list[str]:
    """A module of the standard library, and tricky texts."""
    return [Path(argparse.__file__).read_text(encoding="utf-8"), *fuzz(300, 1)]


@pytest.fixture(scope="session", params=["llama3", "gpt2"])
def any_tokenizer(request: pytest.FixtureRequest, texts: list[str]) -> Tokenizer:
    """A tokenizer for each of the patterns."""
    config = TokenizerConfig(vocab_size=1200, pattern=request.param)
    return train_tokenizer(config, texts)


@pytest.fixture(scope="session")
def tokenizer(texts: list[str]) -> Tokenizer:
    """A tokenizer with the default pattern."""
    return train_tokenizer(TokenizerConfig(vocab_size=1000), texts)


@pytest.fixture(scope="session")
def gpt2_merges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 4,000 of GPT-2's published merges, in its alphabet of bytes."""
    fixtures = Path(__file__).parents[1] / "fixtures" / "tokenizer"
    lines = (fixtures / "gpt2_merges.txt").read_text(encoding="utf-8").split("\n")
    path = tmp_path_factory.mktemp("gpt2") / "merges.txt"
    path.write_text("\n".join(lines[:4001]) + "\n", encoding="utf-8")
    return path
