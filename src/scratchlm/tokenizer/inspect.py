"""Show how a text is cut into tokens: pieces in colour, borders and ids without it.

Colours only help the eye: every border is also a bar, every token's id stands below.
Whatever could move a terminal's cursor is written as an escape.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scratchlm.tokenizer.sheet import WIDTH, display_width, show_token
from scratchlm.tokenizer.tokenizer import Tokenizer

BORDER = "│"
LINE_END = "⏎"
_TAB = "⇥"
# Black on light grounds that differ in lightness too, as Okabe and Ito choose them.
_COLOURS = ("30;48;5;117", "30;48;5;222", "30;48;5;115", "30;48;5;182")
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class Piece:
    """One token of a text."""

    id: int
    token: bytes

    @property
    def shown(self) -> str:
        """Its bytes as one can read them in running text."""
        text = self.token.decode("utf-8", "backslashreplace")
        return "".join(map(_visible, text))


def inspect_text(tokenizer: Tokenizer, text: str) -> list[Piece]:
    """The tokens of a text, in order."""
    return [Piece(i, tokenizer.token_bytes(i)) for i in tokenizer.encode(text)]


def describe_lines(tokenizer: Tokenizer) -> list[str]:
    """What a tokenizer is, in a few lines."""
    names = list(tokenizer.special_tokens)
    n_text = int((tokenizer.byte_lengths > 0).sum())
    return [
        f"{tokenizer.vocab_size:,} entries ({tokenizer.kind}): {n_text:,} for text, "
        f"{len(names)} for control, {tokenizer.n_unused:,} empty",
        f"fingerprint {tokenizer.fingerprint}, backend {tokenizer.backend}",
    ]


def pieces_lines(
    pieces: Sequence[Piece], colour: bool, width: int = WIDTH
) -> list[str]:
    """The text itself with a bar between tokens, coloured if asked for.

    A line ends where the text's does, marked ⏎, and at the width of the terminal.
    """
    lines, used, ended = [""], 0, False
    for number, piece in enumerate(pieces):
        for part in _fitting(piece.shown, width - 1):
            size = display_width(part)
            if ended or used + size + 1 > width:
                lines.append("")
                used = 0
            ended = part.endswith(LINE_END)
            ground = _COLOURS[number % len(_COLOURS)]
            lines[-1] += f"\x1b[{ground}m{part}{_RESET}" if colour else part
            used += size
        lines[-1] += BORDER
        used += 1
    return lines


def ids_lines(pieces: Iterable[Piece], width: int = WIDTH) -> list[str]:
    """`id:token` for each token, wrapped between tokens."""
    lines, used = [""], 0
    for piece in pieces:
        cell = f"{piece.id}:{show_token(piece.token)}"
        size = display_width(cell)
        if used and used + 1 + size > width:
            lines.append("")
            used = 0
        lines[-1] += f" {cell}" if used else cell
        used += size + (1 if used else 0)
    return lines


def summary_line(pieces: Sequence[Piece], text: str) -> str:
    """How many tokens, and how long they are."""
    n_bytes = len(text.encode("utf-8", "surrogatepass"))
    return f"{len(pieces)} tokens, {n_bytes / max(len(pieces), 1):.2f} bytes each"


def _visible(character: str) -> str:
    if character == "\n":
        return LINE_END
    if character == "\t":
        return _TAB
    if character == " " or character.isprintable():
        return character
    return repr(character)[1:-1]


def _fitting(text: str, width: int) -> Iterator[str]:
    """A token's text in parts that end after a line end and fit a line."""
    part, used = "", 0
    for character in text:
        size = display_width(character)
        if used + size > width:
            yield part
            part, used = "", 0
        part, used = part + character, used + size
        if character == LINE_END:
            yield part
            part, used = "", 0
    if part:
        yield part
