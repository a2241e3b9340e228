"""Conversations with tools, and a tokenizer that can write every template."""

import json
import random

from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.chat_templates import TEMPLATES
from scratchlm.tokenizer.pattern import PatternName
from scratchlm.tokenizer.special import SPECIAL_TOKENS

RESERVED = tuple(
    name
    for form in TEMPLATES.values()
    for name in form.control_tokens
    if name not in SPECIAL_TOKENS
)

TEXT = (
    "user\n\n\nx\n\n\n\nassistant\n\nsystem\n \n  \n the tool of tools\n\n"
    + json.dumps({"name": "add", "arguments": {"a": 1, "b": 2}, "parameters": {}})
) * 8

TOOLS = [{"name": "add", "parameters": {"a": "int", "b": "é <b> 'x'"}}]


def build_chat_tokenizer(pattern: PatternName = "llama3") -> Tokenizer:
    """A small vocabulary with merges of line breaks and all templates' tokens."""
    config = TokenizerConfig(vocab_size=512, pattern=pattern, reserved=RESERVED)
    return train_tokenizer(config, [TEXT])


CHAT_TOKENIZER = build_chat_tokenizer()


def build_conversations(texts: list[str], count: int) -> list[list[dict]]:
    """Conversations of all roles, with tool calls, over the texts."""
    draw = random.Random(1)
    contents = ["", " ", "\n", "\n\n a ", "\t", *texts]
    return [
        [_build_message(draw, contents) for _ in range(draw.randrange(5))]
        for _ in range(count)
    ]


def _build_message(draw: random.Random, contents: list[str]) -> dict:
    role = draw.choice(("system", "user", "assistant", "tool"))
    message = {"role": role, "content": draw.choice(contents)}
    if role == "assistant" and draw.random() < 0.5:
        message["tool_calls"] = [
            {"name": "f", "arguments": {"x": draw.choice(contents), "n": 1}}
            for _ in range(draw.randrange(1, 3))
        ]
    return message
