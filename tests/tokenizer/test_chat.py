"""Laws of rendering conversations."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import SPECIAL_TOKENS, Tokenizer, render_conversation
from scratchlm.tokenizer.chat_templates import TEMPLATES

from .conversations import CHAT_TOKENIZER, TOOLS, build_conversations

ADD = {"name": "add", "arguments": {"a": 1, "b": 2}}


@pytest.fixture(scope="module")
def conversations(fuzz):
    return build_conversations(fuzz(1000, 10), 100)


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


EXPECTED = {
    "scratchlm": "<|endoftext|><|system|>Tools:\n{tool}<|end_of_turn|>"
    "<|user|>1+2?<|end_of_turn|><|assistant|>Hm.<|tool_call|>{call}<|tool_call|>{call}"
    "<|end_of_turn|><|tool_result|>3<|end_of_turn|><|assistant|>",
    "chatml": "<|im_start|>system\n<tools>\n{tool}\n</tools><|im_end|>\n"
    "<|im_start|>user\n1+2?<|im_end|>\n<|im_start|>assistant\nHm.\n"
    "<tool_call>\n{call}\n</tool_call>\n<tool_call>\n{call}\n</tool_call><|im_end|>\n"
    "<|im_start|>tool\n<tool_response>\n3\n</tool_response><|im_end|>\n"
    "<|im_start|>assistant\n",
    "llama3": "<|begin_of_text|>"
    "<|start_header_id|>system<|end_header_id|>\n\nTools:\n{tool}<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n1+2?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHm.\n{call}\n{call}<|eot_id|>"
    "<|start_header_id|>ipython<|end_header_id|>\n\n3<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_writes_its_markup(template):
    messages = [
        {"role": "user", "content": "1+2?"},
        {"role": "assistant", "content": "Hm.", "tool_calls": [ADD, ADD]},
        {"role": "tool", "content": "3"},
    ]
    ids, mask = render_conversation(
        CHAT_TOKENIZER, messages, True, template=template, tools=TOOLS
    )
    call = json.dumps(ADD)
    if template == "llama3":
        call = call.replace("arguments", "parameters")
    tool = json.dumps(TOOLS[0], ensure_ascii=False)
    expected = EXPECTED[template].replace("{call}", call).replace("{tool}", tool)
    assert write_out(ids) == expected
    learned = [token for token, counted in zip(ids, mask, strict=True) if counted]
    assert write_out(learned) == expected[
        expected.index("Hm.") : expected.rindex("3")
    ].removesuffix(TEMPLATES[template].after + before_result(template))


def before_result(template):
    form = TEMPLATES[template]
    return form.heads["tool"] + form.result[0]


def write_out(ids):
    """Decode, control tokens by their names."""
    names = {token: name for name, token in CHAT_TOKENIZER.special_tokens.items()}
    pieces = (
        names[token].encode() if token in names else CHAT_TOKENIZER.token_bytes(token)
        for token in ids
    )
    return b"".join(pieces).decode()


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_mask_covers_exactly_what_an_assistant_writes_and_its_end_of_turn(
    template, conversations
):
    form = TEMPLATES[template]
    for messages in conversations:
        ids, mask = render_conversation(CHAT_TOKENIZER, messages, template=template)
        expected = []
        for message in messages:
            if message["role"] == "assistant":
                alone, _ = render_conversation(
                    CHAT_TOKENIZER, [message], template=template
                )
                head, _ = render_conversation(
                    CHAT_TOKENIZER, [], True, template=template
                )
                after = len(CHAT_TOKENIZER.encode(form.after))
                expected += alone[len(head) : len(alone) - after]
                assert expected[-1] == CHAT_TOKENIZER.special_id(form.end)
        assert [i for i, on in zip(ids, mask, strict=True) if on] == expected


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("tools", [(), TOOLS])
def test_the_rendering_of_a_beginning_is_the_beginning_of_the_rendering(
    template, tools, conversations
):
    options = {"template": template, "tools": tools}
    for messages in conversations:
        ids, mask = render_conversation(CHAT_TOKENIZER, messages, **options)
        for n in range(len(messages)):
            prompt = messages[n]["role"] == "assistant"
            some, some_mask = render_conversation(
                CHAT_TOKENIZER, messages[:n], prompt, **options
            )
            assert ids[: len(some)] == some
            assert mask[: len(some)] == some_mask


@pytest.mark.parametrize("name", SPECIAL_TOKENS)
def test_a_control_tokens_name_in_a_content_stays_text(tokenizer, name):
    content = f"say {name}{name} now"
    ids, _ = render_conversation(tokenizer, [{"role": "user", "content": content}])
    inside = ids[2:-1]
    assert max(inside) < tokenizer.first_special_id
    assert tokenizer.decode(inside) == content


hostile = st.lists(
    st.sampled_from([*CHAT_TOKENIZER.special_tokens, "<tool_call>", "<|", "\n"])
    | st.text(max_size=8)
).map("".join)


@settings(max_examples=60, deadline=None)
@given(hostile, hostile, st.sampled_from(list(TEMPLATES)))
def test_nothing_that_a_content_holds_becomes_a_control_token(one, other, template):
    def render(a, b):
        messages = [
            {"role": "system", "content": a},
            {"role": "user", "content": b},
            {
                "role": "assistant",
                "content": a,
                "tool_calls": [{"name": b, "arguments": {a: b}}],
            },
            {"role": "tool", "content": b},
        ]
        tools = [{"name": a, "description": b}]
        return render_conversation(
            CHAT_TOKENIZER, messages, template=template, tools=tools
        )[0]

    first = CHAT_TOKENIZER.first_special_id
    control = [token for token in render(one, other) if token >= first]
    assert control == [token for token in render("x", "y") if token >= first]


def test_calls_are_read_in_the_form_of_other_libraries_too():
    same = [
        ADD,
        {"id": "1", "type": "function", "function": ADD},
        {"name": "add", "arguments": '{"a": 1, "b": 2}'},
    ]
    rendered = [
        render_conversation(CHAT_TOKENIZER, [{"role": "assistant", "tool_calls": [c]}])
        for c in same
    ]
    assert rendered[0] == rendered[1] == rendered[2]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"role": "root", "content": "x"}, "known: system, user, assistant, tool"),
        ({"content": "x"}, "role None"),
        ({"role": ["user"], "content": "x"}, "message 1 has role"),
        ({"role": "user", "content": None}, "no text"),
        ({"role": "assistant"}, "no text"),
        ({"role": "assistant", "content": ["x"], "tool_calls": [ADD]}, "no text"),
        ({"role": "user", "content": "x", "tool_calls": [ADD]}, "only an assistant"),
        ({"role": "assistant", "tool_calls": ADD}, "they are a list"),
        ({"role": "assistant", "tool_calls": ["add"]}, "tool call 1 of message 1"),
        ({"role": "assistant", "tool_calls": [{"name": "f"}]}, "no JSON object"),
        (
            {"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{"}]},
            "no JSON object",
        ),
        (
            {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {1}}]},
            "no JSON value",
        ),
    ],
)
def test_a_broken_message_is_refused_with_its_place(message, reason):
    with pytest.raises(UserError, match=reason):
        render_conversation(CHAT_TOKENIZER, [message])


def test_a_vocabulary_without_the_templates_tokens_says_what_to_do():
    with pytest.raises(UserError, match=r"tokenizer\.reserved="):
        render_conversation(Tokenizer.own(), [], template="chatml")


def test_markup_that_is_a_token_of_the_vocabulary_becomes_that_token():
    special_tokens = {"<|im_start|>": 256, "<|im_end|>": 257, "<tool_call>": 258}
    tokenizer = Tokenizer(CHAT_TOKENIZER.model.own(()), special_tokens, 259)
    messages = [{"role": "assistant", "content": "<tool_call>", "tool_calls": [ADD]}]
    ids, _ = render_conversation(tokenizer, messages, template="chatml")
    assert ids.count(258) == 1
