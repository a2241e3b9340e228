"""The built-in chat templates: what stands around the contents of a conversation.

    begin, then for each message:   head · body · end · after

    scratchlm  <|endoftext|>
               <|user|> content <|end_of_turn|>
    chatml     (nothing)
               <|im_start|>user⏎ content <|im_end|> ⏎
    llama3     <|begin_of_text|>
               <|start_header_id|>user<|end_header_id|>⏎⏎ content <|eot_id|>

A template is this one table; the renderer (`chat`) and the Jinja text for other
libraries (`chat_jinja`) are both made from it. In our own every content touches control
tokens on both sides. The heads of the other two end with line breaks, as the models
that know these templates expect.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.special import END_OF_TEXT, END_OF_TURN, PAD, ROLE_TOKENS

TemplateName = Literal["scratchlm", "chatml", "llama3"]
"""Names of the built-in templates."""


@dataclass(frozen=True)
class ChatTemplate:
    """Markup of a conversation; `<|name|>` in it is a control token."""

    name: TemplateName
    begin: str
    """Before the first message."""
    heads: Mapping[str, str]
    """Role -> what opens its message."""
    end: str
    """The control token that ends a turn; learned where an assistant ends one."""
    after: str
    """Between the end of a turn and the next head; never learned."""
    call: tuple[str, str]
    """Before and after the JSON of a tool call."""
    joint: str
    """Before a tool call that follows words or another call."""
    arguments: str
    """The key of a call's arguments."""
    result: tuple[str, str]
    """Before and after the result of a tool."""
    tools: tuple[str, str]
    """Before and after the definitions of tools, one JSON value a line."""

    @cached_property
    def control_tokens(self) -> tuple[str, ...]:
        """Control tokens that a vocabulary needs for this template."""
        ends = (*self.call, *self.result, *self.tools)
        markup = "".join((self.begin, *self.heads.values(), self.end, *ends))
        return tuple(dict.fromkeys(re.findall(r"<\|\w+\|>", markup)))


def _chatml_head(role: str) -> str:
    return f"<|im_start|>{role}\n"


def _llama3_head(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


_ROLES = ("system", "user", "assistant", "tool")

TEMPLATES: Mapping[str, ChatTemplate] = {
    "scratchlm": ChatTemplate(
        name="scratchlm",
        begin=END_OF_TEXT,
        heads={**ROLE_TOKENS, "tool": "<|tool_result|>"},
        end=END_OF_TURN,
        after="",
        call=("<|tool_call|>", ""),
        joint="",
        arguments="arguments",
        result=("", ""),
        tools=("Tools:\n", ""),
    ),
    "chatml": ChatTemplate(
        name="chatml",
        begin="",
        heads={role: _chatml_head(role) for role in _ROLES},
        end="<|im_end|>",
        after="\n",
        call=("<tool_call>\n", "\n</tool_call>"),
        joint="\n",
        arguments="arguments",
        result=("<tool_response>\n", "\n</tool_response>"),
        tools=("<tools>\n", "\n</tools>"),
    ),
    "llama3": ChatTemplate(
        name="llama3",
        begin="<|begin_of_text|>",
        heads={
            role: _llama3_head("ipython" if role == "tool" else role) for role in _ROLES
        },
        end="<|eot_id|>",
        after="",
        call=("", ""),
        joint="\n",
        arguments="parameters",
        result=("", ""),
        tools=("Tools:\n", ""),
    ),
}
"""The built-in templates by name."""


def find_template(name: str, special_tokens: Collection[str]) -> ChatTemplate:
    """Look a template up and check that a vocabulary can write it.

    Args:
        name: of the template.
        special_tokens: names of the vocabulary's control tokens.

    Raises:
        UserError: an unknown template, or control tokens are missing.
    """
    template = TEMPLATES.get(name)
    if template is None:
        known = ", ".join(TEMPLATES)
        raise UserError(f"there is no chat template {name!r}; known: {known}")
    missing = [t for t in template.control_tokens if t not in special_tokens]
    if missing:
        raise UserError(
            f"the chat template {name} needs {', '.join(missing)}, which this "
            f"vocabulary does not have: {_remedy(missing, special_tokens)}"
        )
    return template


def choose_template(special_tokens: Collection[str]) -> TemplateName | None:
    """Name the first template that a vocabulary can write; None where it can none."""
    for template in TEMPLATES.values():
        if all(token in special_tokens for token in template.control_tokens):
            return template.name
    return None


def border_tokens(
    special_tokens: Collection[str], template: TemplateName | None
) -> dict[str, str | None]:
    """Name the control tokens that begin a text, end an answer and fill rows.

    Padding is never the token that ends: None rather than that.

    Returns:
        `bos_token`, `eos_token`, `pad_token`, each None where the vocabulary has none.
    """
    form = TEMPLATES[template] if template is not None else None
    begins = (form.begin, *_BEGINS) if form is not None else _BEGINS
    ends = (form.end, *_ENDS) if form is not None else _ENDS
    eos = _first(ends, special_tokens)
    pads = (name for name in _PADS if name != eos)
    return {
        "bos_token": _first(begins, special_tokens),
        "eos_token": eos,
        "pad_token": _first(pads, special_tokens),
    }


_BEGINS = (END_OF_TEXT, "<|begin_of_text|>", "<s>")
_ENDS = (END_OF_TEXT, "<|end_of_text|>", "</s>")
_PADS = (PAD, "<|finetune_right_pad_id|>", "<pad>", "[PAD]", END_OF_TEXT)


def _first(names: Iterable[str], special_tokens: Collection[str]) -> str | None:
    return next((name for name in names if name in special_tokens), None)


def _remedy(missing: list[str], special_tokens: Collection[str]) -> str:
    other = choose_template(special_tokens)
    if other is not None and other != "scratchlm":
        return f'use template="{other}", whose tokens it has'
    names = ", ".join(f'"{name}"' for name in missing)
    alternative = "" if other is None else f', or use template="{other}"'
    return f"train one with tokenizer.reserved=[{names}]{alternative}"
