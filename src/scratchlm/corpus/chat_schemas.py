"""The dialects in which people write conversations and preference pairs.

Conversations: `{"messages": [{"role", "content"}]}` (ours and OpenAI's), ShareGPT's
`{"conversations": [{"from", "value"}]}`, Alpaca's `{"instruction", "input",
"output"}`, `{"prompt", "response" | "completion"}`, `{"question", "answer"}`.
Pairs: `{"prompt", "chosen", "rejected"}`, texts or lists of messages; the prompt also
under the names above, or inside both answers (a list of messages, or a transcript
`\\n\\nHuman: … \\n\\nAssistant: …`).
"""

from typing import Any

from scratchlm.corpus.chat_items import Message, Row

_ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
_FLAT = (  # schema, question, more of the question, answer
    ("alpaca", "instruction", "input", "output"),
    ("prompt-response", "prompt", None, "response"),
    ("prompt-completion", "prompt", None, "completion"),
    ("question-answer", "question", None, "answer"),
)


_END_MARKS = ("<|endoftext|>", "<|im_end|>", "<|eot_id|>", "</s>")


class BadRowError(Exception):
    """Why a row cannot be used."""


def parse_conversation(row: Any) -> tuple[str, list[Message]]:
    """Turn one row of any known schema into messages.

    Returns the schema's name and messages that end with the assistant's.
    """
    if not isinstance(row, dict):
        raise BadRowError("not a JSON object")
    if "messages" in row:
        return "messages", _conversation(row["messages"], "role", "content")
    if "conversations" in row:
        return "sharegpt", _conversation(row["conversations"], "from", "value", row)
    for schema, question, more, answer in _FLAT:
        if question in row and answer in row:
            asked = _join(_text(row, question), _text(row, more) if more else "")
            answered = _without_end_mark(_text(row, answer))
            return schema, _checked([*_system(row), *_turn(asked, answered)])
    raise BadRowError(f"unknown fields {_fields(row)}")


def parse_preference(row: Any) -> tuple[str, Row]:
    """Turn one row into prompt (messages), chosen and rejected (texts)."""
    if not isinstance(row, dict):
        raise BadRowError("not a JSON object")
    if "chosen" not in row or "rejected" not in row:
        raise BadRowError(f"no chosen and rejected among {_fields(row)}")
    schema, prompt = _prompt(row)
    chosen, rejected = _answer(row["chosen"]), _answer(row["rejected"])
    if not prompt:
        schema, prompt = "transcripts", chosen[:-1]
        if rejected[:-1] != prompt:
            raise BadRowError("the prompts inside chosen and rejected differ")
    pair: Row = {
        "prompt": prompt,
        "chosen": chosen[-1]["content"],
        "rejected": rejected[-1]["content"],
    }
    if not prompt or prompt[-1]["role"] != "user" or not prompt[-1]["content"].strip():
        raise BadRowError("the prompt does not end with a question of the user")
    if not pair["chosen"].strip() or pair["chosen"] == pair["rejected"]:
        raise BadRowError("chosen is empty or equals rejected")
    return schema, pair


def first_question(messages: list[Message]) -> str:
    """What the user says first."""
    return next(m["content"] for m in messages if m["role"] == "user")


def _conversation(
    messages: Any, role: str, content: str, row: Row | None = None
) -> list[Message]:
    read = [*_system(row or {}), *_messages(messages, role, content)]
    while read and read[-1]["role"] != "assistant":
        read.pop()  # a last question that nobody answered
    return _checked(read)


def _messages(messages: Any, role: str, content: str) -> list[Message]:
    if not isinstance(messages, list) or not messages:
        raise BadRowError("messages are not a list, or empty")
    return [_message(message, role, content) for message in messages]


def _message(message: Any, role: str, content: str) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get(content), str):
        raise BadRowError(f"a message without a text under {content!r}")
    name = message.get(role)
    if not isinstance(name, str) or name not in _ROLES:
        raise BadRowError(f"a message of role {name!r}, which is not learnt yet")
    text = message[content]
    if _ROLES[name] == "assistant":
        text = _without_end_mark(text)
    return {"role": _ROLES[name], "content": text}


def _checked(messages: list[Message]) -> list[Message]:
    """The messages, if they alternate from the user to a last assistant."""
    turns = [message["role"] for message in messages]
    turns = turns[1:] if turns[:1] == ["system"] else turns
    if not turns or turns != ["user", "assistant"] * (len(turns) // 2):
        raise BadRowError("roles do not alternate from user to assistant")
    if any(not message["content"].strip() for message in messages):
        raise BadRowError("an empty message")
    return messages


def _prompt(row: Row) -> tuple[str, list[Message]]:
    """The question of a preference row; no messages where the answers hold it."""
    if isinstance(row.get("prompt"), list):
        return "messages", _any_messages(row["prompt"])
    for name in ("messages", "conversations"):
        if name in row:
            return name, [*_system(row), *_any_messages(row[name])]
    inside = isinstance(row["chosen"], list) and len(row["chosen"]) > 1
    for _, question, more, _ in () if inside else _FLAT:
        if question in row:
            asked = _join(_text(row, question), _text(row, more) if more else "")
            return question, [*_system(row), {"role": "user", "content": asked}]
    return "", []


def _answer(value: Any) -> list[Message]:
    """The messages of one answer; the last is the assistant's."""
    if isinstance(value, str):
        messages = _transcript(value)
    elif isinstance(value, dict):
        messages = _any_messages([value])
    else:
        messages = _any_messages(value)
    if messages[-1]["role"] != "assistant":
        raise BadRowError("an answer that is not the assistant's")
    return messages


def _any_messages(value: Any) -> list[Message]:
    first = value[0] if isinstance(value, list) and value else None
    sharegpt = isinstance(first, dict) and "from" in first
    return _messages(value, *(("from", "value") if sharegpt else ("role", "content")))


def _transcript(text: str) -> list[Message]:
    """Read `\\n\\nHuman: …\\n\\nAssistant: …`; other text is one answer."""
    if not text.startswith("\n\nHuman:"):
        return [{"role": "assistant", "content": _without_end_mark(text)}]
    messages: list[Message] = []
    for block in text[2:].split("\n\n"):
        name, colon, rest = block.partition(":")
        if colon and name in ("Human", "Assistant"):
            role = "user" if name == "Human" else "assistant"
            messages.append({"role": role, "content": rest.strip()})
        else:
            messages[-1]["content"] += f"\n\n{block}"
    return messages


def _system(row: Row) -> list[Message]:
    text = row.get("system")
    if isinstance(text, str) and text.strip():
        return [{"role": "system", "content": text}]
    return []


def _turn(question: str, answer: str) -> list[Message]:
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]


def _text(row: Row, field: str) -> str:
    value = row.get(field, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRowError(f"{field!r} is not a text")
    return value


def _without_end_mark(text: str) -> str:
    """An answer without the mark by which another model's answers end."""
    for mark in _END_MARKS:
        text = text.removesuffix(mark)
    return text


def _join(first: str, second: str) -> str:
    return "\n\n".join(part for part in (first, second) if part.strip())


def _fields(row: Row) -> str:
    return ", ".join(sorted(map(str, row))[:8]) or "none"
