"""Laws of rendering conversations."""

import json
import random

import jinja2
import pytest
from transformers import PreTrainedTokenizerFast

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import (
    CHAT_TEMPLATE,
    SPECIAL_TOKENS,
    render_conversation,
    to_huggingface_json,
)


@pytest.fixture(scope="module")
def peer(tokenizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("peer") / "tokenizer.json"
    path.write_text(json.dumps(to_huggingface_json(tokenizer)))
    peer = PreTrainedTokenizerFast(tokenizer_file=str(path))
    peer.chat_template = CHAT_TEMPLATE
    return peer


@pytest.fixture(scope="module")
def conversations(fuzz):
    draw = random.Random(1)
    contents = iter(["", " ", "\n", "\n\n a ", *fuzz(1000, 10)])
    return [
        [
            {"role": draw.choice(["system", "user", "assistant"]), "content": text}
            for text in (next(contents) for _ in range(draw.randrange(5)))
        ]
        for _ in range(150)
    ]


def test_a_conversation_done_by_hand(tokenizer):
    t = tokenizer
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes!"},
    ]
    ids, mask = render_conversation(t, messages, add_generation_prompt=True)
    kind, hi, yes = map(t.encode, ("be kind", "hi", "yes!"))
    end = t.end_of_turn_id
    head = [
        t.endoftext_id,
        t.system_id,
        *kind,
        end,
        t.user_id,
        *hi,
        end,
        t.assistant_id,
    ]
    assert ids == [*head, *yes, end, t.assistant_id]
    assert mask == [False] * len(head) + [True] * (len(yes) + 1) + [False]


def test_the_mask_covers_exactly_the_assistants_words_and_the_end_of_turn(
    tokenizer, conversations
):
    for messages in conversations:
        ids, mask = render_conversation(tokenizer, messages)
        spoken = [m["content"] for m in messages if m["role"] == "assistant"]
        expected = [
            token
            for content in spoken
            for token in [*tokenizer.encode(content), tokenizer.end_of_turn_id]
        ]
        assert [i for i, counted in zip(ids, mask, strict=True) if counted] == expected


def test_the_rendering_of_a_beginning_is_the_beginning_of_the_rendering(
    tokenizer, conversations
):
    for messages in conversations:
        ids, mask = render_conversation(tokenizer, messages)
        for n in range(len(messages)):
            prompt = messages[n]["role"] == "assistant"
            some, some_mask = render_conversation(tokenizer, messages[:n], prompt)
            assert ids[: len(some)] == some
            assert mask[: len(some)] == some_mask


def test_the_template_gives_the_same_ids_in_transformers(
    tokenizer, peer, conversations
):
    for messages in filter(None, conversations):  # it refuses one without messages
        for prompt in (False, True):
            theirs = peer.apply_chat_template(
                messages, add_generation_prompt=prompt, return_dict=False
            )
            ours, _ = render_conversation(tokenizer, messages, prompt)
            assert theirs == ours, messages


@pytest.mark.parametrize("name", SPECIAL_TOKENS)
def test_a_control_tokens_name_in_a_content_stays_text(tokenizer, name):
    content = f"say {name}{name} now"
    ids, _ = render_conversation(tokenizer, [{"role": "user", "content": content}])
    inside = ids[2:-1]
    assert max(inside) < tokenizer.first_special_id
    assert tokenizer.decode(inside) == content


@pytest.mark.parametrize("name", SPECIAL_TOKENS)
def test_the_template_refuses_a_control_tokens_name_in_a_content(peer, name):
    with pytest.raises(jinja2.TemplateError, match="must not contain"):
        peer.apply_chat_template([{"role": "user", "content": f"say {name} now"}])


@pytest.mark.parametrize(
    "message", [{"role": "root", "content": "x"}, {"role": "user", "content": None}]
)
def test_an_unknown_role_or_a_content_that_is_no_text_is_refused(
    tokenizer, peer, message
):
    with pytest.raises(UserError, match="message 1"):
        render_conversation(tokenizer, [message])
    with pytest.raises(jinja2.TemplateError, match=r"role|text"):
        peer.apply_chat_template([message])
