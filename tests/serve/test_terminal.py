import io

import pytest

from scratchlm.serve.conversation import Conversation
from scratchlm.serve.terminal import chat_in_terminal, printable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


class ImpatientReader(io.StringIO):
    """A person's screen; the person presses Ctrl-C at the n-th thing written."""

    def __init__(self, at):
        super().__init__()
        self.writes_left = at

    def write(self, text):
        self.writes_left -= 1
        if self.writes_left == 0:
            raise KeyboardInterrupt
        return super().write(text)


class Hesitant(Terminal):
    """A person who presses Ctrl-C at the prompt once, then types."""

    hesitated = False

    def readline(self, *size):
        if not self.hesitated:
            self.hesitated = True
            raise KeyboardInterrupt
        return super().readline(*size)


@pytest.fixture
def conversation(model, tokenizer):
    return Conversation(model, tokenizer, max_new_tokens=8)


@pytest.fixture
def answer(model, tokenizer):
    """What the model says to a question that opens a conversation."""

    def ask(question):
        alone = Conversation(model, tokenizer, max_new_tokens=8)
        return "".join(printable(piece) for piece in alone.answer(question))

    return ask


def chat(conversation, lines, stdin=io.StringIO, stdout=None):
    stdout = stdout or io.StringIO()
    chat_in_terminal(conversation, stdin(lines), stdout)
    return stdout.getvalue()


def test_without_a_terminal_only_the_answers_come_out(conversation, answer):
    said = chat(conversation, "one\n\n  \n/reset\ntwo")
    assert said == f"{answer('one')}\n{answer('two')}\n"


def test_the_conversation_goes_on_from_line_to_line(conversation, answer):
    assert chat(conversation, "one\ntwo\n") != f"{answer('one')}\n{answer('two')}\n"
    assert len(conversation.messages) == 4


def test_quit_ends_the_chat(conversation, answer):
    assert chat(conversation, "one\n/quit\ntwo\n") == f"{answer('one')}\n"


def test_a_terminal_gets_a_prompt_and_a_last_fresh_line(conversation, answer):
    said = chat(conversation, "one\n", stdin=Terminal)
    first, rest = said.split("\n", 1)
    assert "/reset" in first and "Ctrl-C" in first
    assert rest == f"> {answer('one')}\n> \n"


def test_an_unknown_command_is_answered_with_the_known_ones(conversation):
    said = chat(conversation, "/exit\n")
    assert said.startswith("unknown command /exit") and "/quit" in said
    assert conversation.messages == []


def test_text_that_begins_with_a_slash_is_still_a_question(conversation):
    chat(conversation, "/usr/bin holds what?\n")
    assert conversation.messages[0]["content"] == "/usr/bin holds what?"


def test_ctrl_c_stops_the_answer_and_not_the_chat(conversation, answer):
    reader = ImpatientReader(at=2)
    said = chat(conversation, "one\n/reset\ntwo\n", stdout=reader)
    first, second = said.split(" [stopped]\n")
    assert answer("one").startswith(first) and len(first) < len(answer("one"))
    assert second == f"{answer('two')}\n"


def test_ctrl_c_at_the_prompt_gives_a_fresh_line(conversation, answer):
    said = chat(conversation, "one\n", stdin=Hesitant)
    assert said.endswith(f"> \n> {answer('one')}\n> \n")


def test_a_question_that_is_too_long_ends_neither_chat_nor_conversation(conversation):
    said = chat(conversation, "one\n" + "x" * 200 + "\ntwo\n").splitlines()
    assert sum("shorten it" in line for line in said) == 1
    assert len(conversation.messages) == 4


def test_a_model_cannot_steer_the_terminal():
    assert printable("\x1b[2Ja\tb\nc\r\x00é") == "\ufffd[2Ja\tb\nc\ufffd\ufffdé"


def test_a_character_that_the_screen_lacks_does_not_end_the_chat(conversation):
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    keyboard = io.TextIOWrapper(io.BytesIO(b"one \xff\ntwo\n"), encoding="utf-8")
    chat_in_terminal(conversation, keyboard, screen)
    assert len(conversation.messages) == 4
