"""Strings that tokenizers stumble over, made from a seed: to compare two of them on."""

import random

from scratchlm.tokenizer.tokenizer import Tokenizer

FRAGMENTS = (
    *"aZ09'!-_.(/\"",
    *" \t\n\r\x00\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u200b\u3000\ufeff",
    *"éßſÆтЖω中あ한עاไ½Ⅷ٣०²ǅʰ\u0301\u094d\u20dd€–…“",
    *("👍🏽", "\U0001f469\u200d\U0001f4bb", "🇩🇪", "𝐀", "𝟗"),
    *("  ", "   ", "\r\n", "\n\n", " \n", "\n ", "\n  \n", "\t\t", "        "),
    *("'s", "'S", "'ſ", "'ll", "'Ll", "'RE", "''d", "’s", "don't", "I'M"),
    *("the", "The", "THE", " and", "self", "return", "naïve", "HTMLParser", "x_1"),
    *("12", "1234567", "3.14", "0x1F", "==", "!=", "->", "//", "...", "---", "://"),
    *("aaaaaaaa", "ababab", "привет", "東京", "مرحبا", "नमस्ते", "สวัสดี"),
)
"""White space, contractions, digits, marks, scripts, runs."""


def tricky_texts(n_texts: int, seed: int, tokenizer: Tokenizer) -> list[str]:
    """Each fragment alone, then fragments and tokens of the vocabulary, joined.

    Args:
        n_texts: how many.
        seed: which.
        tokenizer: whose tokens are mixed in, where they are text by themselves.
    """
    draw = random.Random(seed)
    fixed = ["", *FRAGMENTS]
    joined = (_join(draw, tokenizer) for _ in range(max(0, n_texts - len(fixed))))
    return [*fixed, *joined][:n_texts]


def _join(draw: random.Random, tokenizer: Tokenizer) -> str:
    tokens = (draw.randrange(tokenizer.vocab_size) for _ in range(draw.randrange(6)))
    words = (tokenizer.token_bytes(token).decode("utf-8", "ignore") for token in tokens)
    parts = [*draw.choices(FRAGMENTS, k=draw.randrange(1, 10)), *words]
    draw.shuffle(parts)
    return "".join(parts)
