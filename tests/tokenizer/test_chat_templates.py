"""Laws of the tables of chat templates."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.chat_templates import (
    TEMPLATES,
    border_tokens,
    choose_template,
    find_template,
)
from scratchlm.tokenizer.special import SPECIAL_TOKENS

CHATML = ("<|im_start|>", "<|im_end|>")
LLAMA3 = (
    *("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>"),
    "<|eot_id|>",
)


def test_each_template_names_its_control_tokens():
    needed = {name: set(form.control_tokens) for name, form in TEMPLATES.items()}
    assert needed["chatml"] == set(CHATML)
    assert needed["llama3"] == set(LLAMA3)
    assert needed["scratchlm"] < set(SPECIAL_TOKENS)
    assert "<|tool_result|>" in needed["scratchlm"]


def test_each_template_opens_every_role_and_ends_with_a_control_token():
    for form in TEMPLATES.values():
        assert set(form.heads) == {"system", "user", "assistant", "tool"}
        assert len(set(form.heads.values())) == 4
        assert form.end in form.control_tokens


def test_contents_of_our_own_template_touch_control_tokens():
    form = TEMPLATES["scratchlm"]
    assert all(head in form.control_tokens for head in form.heads.values())
    assert form.call[0] in form.control_tokens
    assert (form.after, form.joint, form.call[1]) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "known", "remedy"),
    [
        ("chatml", SPECIAL_TOKENS, r'reserved=\["<\|im_start\|>", "<\|im_end\|>"\]'),
        ("chatml", ("<|im_end|>",), r'reserved=\["<\|im_start\|>"\]'),
        ("scratchlm", CHATML, 'use template="chatml"'),
        ("chatml", LLAMA3, 'use template="llama3"'),
        ("chatml", SPECIAL_TOKENS, 'or use template="scratchlm"'),
        ("qwen", SPECIAL_TOKENS, "known: scratchlm, chatml, llama3"),
    ],
)
def test_a_template_that_cannot_be_written_is_refused_with_the_remedy(
    name, known, remedy
):
    with pytest.raises(UserError, match=remedy):
        find_template(name, known)


def test_the_first_template_that_a_vocabulary_can_write_is_chosen():
    assert choose_template((*SPECIAL_TOKENS, *CHATML)) == "scratchlm"
    assert choose_template((*CHATML, *LLAMA3)) == "chatml"
    assert choose_template(LLAMA3) == "llama3"
    assert choose_template(("<|endoftext|>",)) is None


@pytest.mark.parametrize(
    ("known", "template", "expected"),
    [
        (SPECIAL_TOKENS, "scratchlm", ("<|endoftext|>", "<|end_of_turn|>", "<|pad|>")),
        (
            (*CHATML, "<|endoftext|>"),
            "chatml",
            ("<|endoftext|>", "<|im_end|>", "<|endoftext|>"),
        ),
        (LLAMA3, "llama3", ("<|begin_of_text|>", "<|eot_id|>", None)),
        (("<|endoftext|>",), None, ("<|endoftext|>", "<|endoftext|>", None)),
        ((), None, (None, None, None)),
    ],
)
def test_padding_is_never_the_token_that_ends(known, template, expected):
    found = border_tokens(known, template)
    assert tuple(found.values()) == expected
    assert found["pad_token"] is None or found["pad_token"] != found["eos_token"]
