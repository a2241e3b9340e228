"""Chat in the terminal.

With a terminal: a prompt, the answer as it comes, Ctrl-C stops the answer and not the
chat, Ctrl-D ends it. Without one (a pipe, a file): one question a line in, one answer
out for each, nothing else.
"""

import io
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from typing import TextIO

from scratchlm.base.errors import UserError
from scratchlm.serve.conversation import Conversation

HELP = "/reset forgets the conversation, /quit ends the chat"
_PROMPT = "> "


def chat_in_terminal(
    conversation: Conversation,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
) -> None:
    """Answer questions until the input ends.

    Args:
        conversation: with the model that answers.
        stdin: questions, one a line; the standard input where None.
        stdout: answers; the standard output where None.
    """
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    for each in (stdin, stdout):
        if isinstance(each, io.TextIOWrapper):
            each.reconfigure(errors="replace")  # never end over a character
    terminal = stdin.isatty()
    if terminal:
        _say(stdout, f"{HELP}; Ctrl-C stops an answer, Ctrl-D ends the chat\n")
    for line in _lines(stdin, stdout, terminal):
        text = line.strip()
        if text == "/quit":
            return
        if text:
            _respond(conversation, text, stdout)


def _respond(conversation: Conversation, text: str, stdout: TextIO) -> None:
    if text == "/reset":
        conversation.reset()
    elif text.startswith("/") and " " not in text:
        _say(stdout, f"unknown command {text}: {HELP}\n")
    else:
        _answer(conversation, text, stdout)


def _answer(conversation: Conversation, text: str, stdout: TextIO) -> None:
    try:
        with closing(conversation.answer(text)) as pieces:
            for piece in pieces:
                _say(stdout, printable(piece))
    except UserError as error:
        _say(stdout, str(error))
    except KeyboardInterrupt:
        _say(stdout, " [stopped]")
    _say(stdout, "\n")


def printable(text: str) -> str:
    """Replace control characters: a model must not steer the terminal."""
    return "".join(
        "\ufffd" if unicodedata.category(c) == "Cc" and c not in "\n\t" else c
        for c in text
    )


def _lines(stdin: TextIO, stdout: TextIO, terminal: bool) -> Iterator[str]:
    while True:
        try:
            line = _read_line(stdin, stdout, terminal)
        except KeyboardInterrupt:  # at the prompt: a fresh line, not the end
            _say(stdout, "\n")
            continue
        if not line:
            if terminal:
                _say(stdout, "\n")
            return
        yield line


def _read_line(stdin: TextIO, stdout: TextIO, terminal: bool) -> str:
    """Read a line with its line break; "" at the end of the input."""
    if not terminal:
        return stdin.readline()
    if stdin is not sys.stdin:
        _say(stdout, _PROMPT)
        return stdin.readline()
    try:
        return input(_PROMPT) + "\n"  # with the line editing that readline brings
    except EOFError:
        return ""


def _say(stdout: TextIO, text: str) -> None:
    stdout.write(text)
    stdout.flush()
