"""Render a conversation to ids and to the mask of what is learned from it.

    <|endoftext|> then for each message: <|role|> content <|end_of_turn|>

A content touches control tokens on both sides, so it is encoded alone here and when
another library tokenizes the whole string: the ids are the same. A content is always
text; a control token's name inside it stays text here, and is refused by the template,
because other libraries would turn it into the control token.
"""

from collections.abc import Mapping, Sequence

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.special import (
    END_OF_TEXT,
    END_OF_TURN,
    ROLE_TOKENS,
    SPECIAL_TOKENS,
)
from scratchlm.tokenizer.tokenizer import Tokenizer

Message = Mapping[str, str]
"""`{"role": "system" | "user" | "assistant", "content": text}`."""


def render_conversation(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    add_generation_prompt: bool = False,
) -> tuple[list[int], list[bool]]:
    """Render messages to ids and their loss mask, of equal length.

    The mask is True on what an assistant says and on the end of its turn. The
    rendering of the first messages is a prefix of the rendering of all of them.

    Args:
        tokenizer: encodes the contents.
        messages: in order; the same role may come twice.
        add_generation_prompt: end with the token that opens an assistant's message.

    Raises:
        UserError: an unknown role, or a content that is no text.
    """
    ids, mask = [tokenizer.endoftext_id], [False]
    for position, message in enumerate(messages):
        role, content = _check(message, position)
        body = [*tokenizer.encode(content), tokenizer.end_of_turn_id]
        ids += [tokenizer.special_id(ROLE_TOKENS[role]), *body]
        mask += [False] + [role == "assistant"] * len(body)
    if add_generation_prompt:
        ids.append(tokenizer.assistant_id)
        mask.append(False)
    return ids, mask


def _check(message: Message, position: int) -> tuple[str, str]:
    role, content = message.get("role"), message.get("content")
    if role not in ROLE_TOKENS:
        known = ", ".join(ROLE_TOKENS)
        raise UserError(f"message {position + 1} has role {role!r}; known: {known}")
    if not isinstance(content, str):
        raise UserError(
            f"message {position + 1} ({role}) has a content that is no text"
        )
    return role, content


def _build_template() -> str:
    roles = "{" + ", ".join(f"'{k}': '{v}'" for k, v in ROLE_TOKENS.items()) + "}"
    names = "[" + ", ".join(f"'{name}'" for name in SPECIAL_TOKENS) + "]"
    return (
        f"{{%- set roles = {roles} -%}}\n"
        f"{{%- set control_tokens = {names} -%}}\n"
        f"{{{{- '{END_OF_TEXT}' -}}}}\n"
        "{%- for message in messages -%}\n"
        "  {%- if message['role'] not in roles -%}\n"
        "    {{- raise_exception('unknown role: ' ~ message['role']) -}}\n"
        "  {%- endif -%}\n"
        "  {%- if message['content'] is not string -%}\n"
        "    {{- raise_exception('a content must be a text') -}}\n"
        "  {%- endif -%}\n"
        "  {%- for name in control_tokens -%}\n"
        "    {%- if name in message['content'] -%}\n"
        "      {{- raise_exception('a content must not contain ' ~ name) -}}\n"
        "    {%- endif -%}\n"
        "  {%- endfor -%}\n"
        "  {{- roles[message['role']] ~ message['content'] "
        f"~ '{END_OF_TURN}' -}}}}\n"
        "{%- endfor -%}\n"
        "{%- if add_generation_prompt -%}\n"
        f"  {{{{- '{ROLE_TOKENS['assistant']}' -}}}}\n"
        "{%- endif -%}\n"
    )


CHAT_TEMPLATE: str = _build_template()
"""The same rendering for transformers (Jinja); refuses control tokens in a content."""
