import pytest

from scratchlm.base.errors import UserError
from scratchlm.generate.config import Sampling
from scratchlm.generate.control import chat_stop_ids, forbidden_ids
from scratchlm.generate.engine import generate
from scratchlm.serve.conversation import Conversation
from scratchlm.tokenizer.chat import render_conversation


@pytest.fixture
def converse(model, tokenizer):
    """Open a conversation; answers have at most eight tokens."""

    def start(**options):
        return Conversation(model, tokenizer, max_new_tokens=8, **options)

    return start


def roles(conversation):
    return [message["role"] for message in conversation.messages]


def test_the_pieces_joined_are_the_answer(model, tokenizer, converse):
    said = "".join(converse().answer("what?"))
    prompt, _ = render_conversation(
        tokenizer, [{"role": "user", "content": "what?"}], add_generation_prompt=True
    )
    stops, forbidden = chat_stop_ids(tokenizer), forbidden_ids(tokenizer)
    [expected] = generate(model, [prompt], 8, stops, None, forbidden)
    assert said == tokenizer.decode(expected.ids) != ""


def test_an_exchange_joins_the_conversation(converse):
    conversation = converse()
    first = "".join(conversation.answer("one"))
    "".join(conversation.answer("two"))
    assert roles(conversation) == ["user", "assistant"] * 2
    assert conversation.messages[1]["content"] == first
    conversation.reset()
    assert conversation.messages == []


def test_what_was_said_before_it_was_stopped_counts(converse):
    conversation = converse()
    pieces = conversation.answer("one")
    first = next(pieces)
    pieces.close()
    assert conversation.messages[-1] == {"role": "assistant", "content": first}


def test_the_oldest_exchange_is_forgotten_when_the_context_is_full(converse):
    conversation = converse(system="be kind")
    for i in range(8):
        "".join(conversation.answer(f"question {i}"))
        assert roles(conversation) == ["user", "assistant"] * (
            len(conversation.messages) // 2
        )
    asked = [m["content"] for m in conversation.messages if m["role"] == "user"]
    assert 1 <= len(asked) < 8
    assert asked == [f"question {i}" for i in range(8 - len(asked), 8)]


def test_the_system_message_is_never_forgotten(model, converse):
    """With it another answer, whatever else had to be forgotten."""
    said = []
    for system in ("be kind", "be rude"):
        conversation = converse(system=system)
        for i in range(6):
            answer = "".join(conversation.answer(f"a longer question, number {i}"))
        said.append(answer)
        assert len(conversation.messages) < 12
    assert said[0] != said[1]


def test_a_question_that_cannot_fit_is_refused_and_changes_nothing(converse):
    conversation = converse()
    "".join(conversation.answer("short"))
    before = list(conversation.messages)
    with pytest.raises(UserError, match="context of 96"):
        next(conversation.answer("x" * 90))
    assert conversation.messages == before


def test_each_answer_has_its_own_chance_and_a_seed_repeats_all(converse):
    hot = Sampling(temperature=2.0, seed=5)

    def answers():
        conversation = converse(sampling=hot)
        said = []
        for _ in range(2):
            said.append("".join(conversation.answer("again")))
            conversation.reset()
        return said

    first = answers()
    assert first == answers() and first[0] != first[1]
