"""Render a conversation to ids and to the mask of what is learned from it.

    <|endoftext|> then for each message: <|role|> content <|end_of_turn|>

A content is always text; a control token's name inside it stays text here, and is
refused by the exported template, because other libraries would turn it into the control
token. The head of a message is encoded apart from what follows, since a model that
answers sees the head alone; in our own template it is one control token. An assistant
may call tools, each call a JSON object; a message of role "tool" carries a result:

    <|assistant|>Let me see.<|tool_call|>{"name": "add", "arguments": {"a": 1, "b": 2}}
    <|end_of_turn|><|tool_result|>3<|end_of_turn|>
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.chat_jinja import build_jinja
from scratchlm.tokenizer.chat_templates import (
    TEMPLATES,
    ChatTemplate,
    TemplateName,
    find_template,
)
from scratchlm.tokenizer.special import SPECIAL_TOKENS
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.wordpiece import WordPiece

Message = Mapping[str, Any]
"""`{"role": "system" | "user" | "assistant" | "tool", "content": text}`; an assistant's
may have `"tool_calls": [{"name": text, "arguments": object}, …]`, each also in the form
`{"function": {…}}`, its arguments also as JSON text, and then needs no content."""

CHAT_TEMPLATE: str = build_jinja(TEMPLATES["scratchlm"], SPECIAL_TOKENS)
"""Our own rendering for transformers (Jinja); refuses control tokens in a content."""

_Part = tuple[str, bool]
"""A text, and whether it is markup: only there is a control token's name one."""


def render_conversation(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    add_generation_prompt: bool = False,
    *,
    template: TemplateName = "scratchlm",
    tools: Sequence[Mapping[str, Any]] = (),
) -> tuple[list[int], list[bool]]:
    """Render messages to ids and their loss mask, of equal length.

    The mask is True on what an assistant says, on its tool calls, and on the end of its
    turn. The rendering of the first messages is a prefix of the rendering of all.

    Args:
        tokenizer: encodes the contents.
        messages: in order; the same role may come twice.
        add_generation_prompt: end with what opens an assistant's message.
        template: a built-in template, whose control tokens the tokenizer has.
        tools: definitions of tools (JSON objects); a system message of their own.

    Raises:
        UserError: an unknown role or template, a content that is no text, a broken
            tool call, or a vocabulary without the template's control tokens.
    """
    form = find_template(template, tokenizer.special_tokens)
    writer = _Writer(tokenizer)
    writer.write([(form.begin, True)])
    if tools:
        writer.write([(form.heads["system"], True)])
        writer.write(_tool_definitions(form, tools))
        writer.write([(form.end + form.after, True)])
    for position, message in enumerate(messages):
        role = _check_role(message, position)
        learned = role == "assistant"
        writer.write([(form.heads[role], True)])
        writer.write([*_body(form, role, message, position), (form.end, True)], learned)
        writer.write([(form.after, True)])
    if add_generation_prompt:
        writer.write([(form.heads["assistant"], True)])
    return writer.ids, writer.mask


def chat_template(tokenizer: Tokenizer, template: TemplateName = "scratchlm") -> str:
    """Write the Jinja text that renders as `render_conversation` does.

    It refuses every control token of this tokenizer in a content.

    Raises:
        UserError: the vocabulary lacks control tokens of the template.
    """
    form = find_template(template, tokenizer.special_tokens)
    return build_jinja(form, honoured_names(tokenizer))


def honoured_names(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Texts that other libraries always turn into one token: names of control tokens.

    BERT's token for unknown words is one there, too.
    """
    unknown = unknown_token(tokenizer)
    names = tuple(tokenizer.special_tokens)
    return names if unknown is None or unknown in names else (*names, unknown)


def unknown_token(tokenizer: Tokenizer) -> str | None:
    """The token of words that cannot be spelled: only BERT's form has one."""
    model = tokenizer.model
    if isinstance(model, WordPiece) and model.form == "bert":
        return model.unknown
    return None


class _Writer:
    """Collects ids and mask; text parts that touch are encoded together."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.ids: list[int] = []
        self.mask: list[bool] = []
        self._tokenizer = tokenizer
        longest_first = sorted(tokenizer.special_tokens, key=len, reverse=True)
        self._names = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")

    def write(self, parts: Sequence[_Part], learned: bool = False) -> None:
        text = ""
        for part, is_markup in parts:
            for piece in self._names.split(part) if is_markup else (part,):
                if is_markup and piece in self._tokenizer.special_tokens:
                    self._extend(self._tokenizer.encode(text), learned)
                    self._extend([self._tokenizer.special_tokens[piece]], learned)
                    text = ""
                else:
                    text += piece
        self._extend(self._tokenizer.encode(text), learned)

    def _extend(self, ids: list[int], learned: bool) -> None:
        self.ids += ids
        self.mask += [learned] * len(ids)


def _body(
    form: ChatTemplate, role: str, message: Message, position: int
) -> list[_Part]:
    calls = _check_calls(message, role, position)
    content = _check_content(message, role, position, bool(calls))
    if role == "tool":
        return [(form.result[0], True), (content, False), (form.result[1], True)]
    parts = [(content, False)]
    for index, call in enumerate(calls):
        parts.append((form.joint if content or index else "", True))
        where = f"tool call {index + 1} of message {position + 1}"
        text = _call_text(form, call, where)
        parts += [(form.call[0], True), (text, False), (form.call[1], True)]
    return parts


def _tool_definitions(
    form: ChatTemplate, tools: Sequence[Mapping[str, Any]]
) -> list[_Part]:
    lines = "\n".join(_to_json(tool, "a definition of a tool") for tool in tools)
    return [(form.tools[0], True), (lines, False), (form.tools[1], True)]


def _check_role(message: Message, position: int) -> str:
    role = message.get("role")
    known = TEMPLATES["scratchlm"].heads
    if not isinstance(role, str) or role not in known:
        names = ", ".join(known)
        raise UserError(f"message {position + 1} has role {role!r}; known: {names}")
    return role


def _check_content(message: Message, role: str, position: int, may_lack: bool) -> str:
    content = message.get("content")
    if content is None and may_lack:
        return ""
    if not isinstance(content, str):
        raise UserError(
            f"message {position + 1} ({role}) has a content that is no text"
        )
    return content


def _check_calls(message: Message, role: str, position: int) -> Sequence[Any]:
    calls = message.get("tool_calls") or ()
    if calls and (role != "assistant" or not isinstance(calls, (list, tuple))):
        raise UserError(
            f"message {position + 1} ({role}) has tool_calls: only an assistant's may, "
            "and they are a list"
        )
    return calls


def _call_text(form: ChatTemplate, call: Any, where: str) -> str:
    """A call as JSON; arguments that are JSON text already stay as they are written."""
    value = call.get("function") or call if isinstance(call, Mapping) else {}
    name, arguments = value.get("name"), value.get("arguments")
    if not isinstance(name, str):
        raise UserError(f"{where} has no name")
    text = arguments if isinstance(arguments, str) else _to_json(arguments, where)
    try:
        is_object = isinstance(json.loads(text), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise UserError(f"{where} ({name}) has arguments that are no JSON object")
    key = json.dumps(form.arguments)
    return f'{{"name": {_to_json(name, where)}, {key}: {text}}}'


def _to_json(value: Any, where: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where} is no JSON value: {error}") from None
