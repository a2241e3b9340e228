"""Laws of the templates as Jinja, with transformers as the judge."""

import json

import jinja2
import pytest
import tokenizers
from transformers import PreTrainedTokenizerFast

from scratchlm.tokenizer import (
    CHAT_TEMPLATE,
    SPECIAL_TOKENS,
    render_conversation,
    to_huggingface_json,
)
from scratchlm.tokenizer.chat import chat_template
from scratchlm.tokenizer.chat_templates import TEMPLATES
from scratchlm.tokenizer.pattern import PATTERNS

from .conversations import (
    CHAT_TOKENIZER,
    TOOLS,
    build_chat_tokenizer,
    build_conversations,
)

# What begins a content: words, one white space before a word, more of it, line breaks.
WORDS = ["x", "1", "!", "é"]
ONE_SPACE = ["", " x", " !", "\u3000x", "\xa0x", "\tx", "\nx"]
SPACES = [" ", "  ", "\t", "  x", " \u3000x"]
LINES = ["\n", "\n x", "\n\nx", " \n", " \nx", "\r\nx", "\r"]
BEGINNINGS = [*WORDS, *ONE_SPACE, *SPACES, *LINES]

# The head's line breaks are one piece with what follows
DIFFERING = {
    # up to the last line break,
    **{name: [*LINES, "\nx"] for name in ("llama3", "qwen2", "digits2", "o200k")},
    # there, and through white space that ends the text,
    "cl100k": [*LINES, "\nx", " ", "  ", "\t"],
    # through white space, all but its last character if a word follows.
    "gpt2": [*LINES, *SPACES],
}


def build_peer(tokenizer, template):
    content = json.dumps(to_huggingface_json(tokenizer))
    peer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer.from_str(content)
    )
    peer.chat_template = chat_template(tokenizer, template)
    return peer


@pytest.fixture(scope="module")
def peers():
    return {name: build_peer(CHAT_TOKENIZER, name) for name in TEMPLATES}


@pytest.fixture(scope="module")
def conversations(fuzz):
    return [m for m in build_conversations(fuzz(1000, 10), 150) if m]


def theirs(peer, messages, prompt=False, tools=None):
    return peer.apply_chat_template(
        messages, tools=tools, add_generation_prompt=prompt, return_dict=False
    )


@pytest.mark.parametrize("tools", [(), TOOLS])
def test_our_own_template_gives_the_same_ids_whatever_a_content_begins_with(
    peers, tools, conversations
):
    begun = [[{"role": "user", "content": text}] for text in BEGINNINGS]
    for messages in [*conversations, *begun]:
        for prompt in (False, True):
            ours, _ = render_conversation(CHAT_TOKENIZER, messages, prompt, tools=tools)
            assert theirs(peers["scratchlm"], messages, prompt, tools) == ours, messages


def test_the_constant_is_our_template_for_the_usual_control_tokens(tokenizer):
    assert chat_template(tokenizer) == CHAT_TEMPLATE


@pytest.mark.parametrize("template", ["chatml", "llama3"])
def test_the_other_templates_give_the_same_ids_where_contents_begin_with_no_space(
    template, peers, conversations
):
    for messages in conversations:
        words = [{**m, "content": "w" + m["content"]} for m in messages]
        for prompt in (False, True):
            ours, _ = render_conversation(
                CHAT_TOKENIZER, words, prompt, template=template, tools=TOOLS
            )
            assert theirs(peers[template], words, prompt, TOOLS) == ours, words


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("template", ["chatml", "llama3"])
def test_the_other_templates_differ_for_these_beginnings_alone(pattern, template):
    tokenizer = build_chat_tokenizer(pattern)
    peer = build_peer(tokenizer, template)
    lines = "\n" if template == "chatml" else "\n\n"
    may_differ = []
    for content in BEGINNINGS:
        apart = tokenizer.split(lines) + tokenizer.split(content)
        if tokenizer.split(lines + content) != apart:
            may_differ.append(content)
        messages = [{"role": "user", "content": content}]
        ours, _ = render_conversation(tokenizer, messages, template=template)
        if content not in may_differ:
            assert theirs(peer, messages) == ours, content
    split_two = pattern == "gpt2" and template == "llama3"  # the head's own two
    assert set(may_differ) == {*DIFFERING[pattern], *(WORDS if split_two else [])}
    messages = [{"role": "user", "content": "\n\nx"}]
    ours, _ = render_conversation(tokenizer, messages, template=template)
    assert theirs(peer, messages) != ours


@pytest.mark.parametrize("name", SPECIAL_TOKENS)
def test_the_template_refuses_a_control_tokens_name_in_a_content(peers, name):
    name = name if name in CHAT_TOKENIZER.special_tokens else "<|im_start|>"
    hostile = [
        [{"role": "user", "content": f"say {name} now"}],
        [
            {
                "role": "assistant",
                "tool_calls": [{"name": "f", "arguments": {"x": name}}],
            }
        ],
    ]
    for peer in peers.values():
        for messages in hostile:
            with pytest.raises(jinja2.TemplateError, match="must not contain"):
                theirs(peer, messages)
        with pytest.raises(jinja2.TemplateError, match="must not contain"):
            theirs(peer, [{"role": "user", "content": "x"}], tools=[{"name": name}])


@pytest.mark.parametrize(
    "message",
    [
        {"role": "root", "content": "x"},
        {"role": "user", "content": None},
        {"role": "assistant"},
        {"role": "user", "content": "x", "tool_calls": [{"name": "f"}]},
        {"role": "assistant", "tool_calls": [{"arguments": {}}]},
    ],
)
def test_what_our_renderer_refuses_the_template_refuses_too(peers, message):
    for peer in peers.values():
        with pytest.raises(jinja2.TemplateError):
            theirs(peer, [message])


def test_names_with_quotes_and_line_breaks_stand_in_the_template():
    tokenizer = CHAT_TOKENIZER
    odd = type(tokenizer)(
        tokenizer.model,
        {**tokenizer.special_tokens, "<'\\\n'>": tokenizer.vocab_size},
        tokenizer.vocab_size + 1,
    )
    peer = build_peer(odd, "scratchlm")
    with pytest.raises(jinja2.TemplateError, match="must not contain"):
        theirs(peer, [{"role": "user", "content": "<'\\\n'>"}])
