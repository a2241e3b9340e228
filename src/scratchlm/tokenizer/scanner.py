r"""How a text is cut into pieces: the specification, to be read rather than run.

A merge never crosses the border between two pieces. Each published pattern is a regular
expression: alternatives, tried in order at each place, of which the first that fits
takes the next piece. Here an alternative is a *rule*, a function

    rule(text, at) -> the end of the piece that begins at `at`, or None if it won't fit

and a pattern is a tuple of rules. Nothing backtracks: where the expression would give
characters back, the rule says which. The fast ones, `pattern` (the standard library's
`re`) and the C core, are held against this page in the tests.

    >>> scan_pieces("llama3", "We'll pay 1234 €!\n\n  ok")
    ['We', "'ll", ' pay', ' ', '123', '4', ' €!\n\n', ' ', ' ok']
"""

from collections.abc import Callable

from scratchlm.tokenizer.pattern import PatternName
from scratchlm.tokenizer.unicode_classes import (
    LETTER,
    LOWER,
    NEWLINE,
    NUMBER,
    SPACE,
    UPPER,
    class_table,
)


class Text:
    """Characters, and the class of each: what a rule reads."""

    def __init__(self, characters: str) -> None:
        table = class_table()
        self.characters = characters
        self.classes = bytes(table[ord(character)] for character in characters)

    def __len__(self) -> int:
        return len(self.characters)

    def has(self, at: int, bits: int) -> bool:
        """Whether a character stands at `at` and has one of these classes."""
        return at < len(self) and self.classes[at] & bits != 0

    def lacks(self, at: int, bits: int) -> bool:
        """Whether a character stands at `at` and has none of these classes."""
        return at < len(self) and self.classes[at] & bits == 0

    def run(self, at: int, bits: int) -> int:
        """The end of the run, maybe empty, of characters with one of these classes."""
        while self.has(at, bits):
            at += 1
        return at

    def run_without(self, at: int, bits: int) -> int:
        """The end of the run, maybe empty, of characters with none of them."""
        while self.lacks(at, bits):
            at += 1
        return at

    def run_of(self, at: int, characters: str) -> int:
        """The end of the run, maybe empty, of just these characters."""
        while at < len(self) and self.characters[at] in characters:
            at += 1
        return at


Rule = Callable[[Text, int], int | None]
WORD_LIKE = LETTER | NUMBER
SMALL = str.maketrans("STDMREVLſ", "stdmrevls")


def scan_pieces(pattern: PatternName, text: str) -> list[str]:
    """Cut a text into its pieces; joined, they are the text.

    A lone surrogate is a character of no class, like punctuation.
    """
    read, pieces, at = Text(text), [], 0
    while at < len(text):
        end = next(end for rule in RULES[pattern] if (end := rule(read, at)))
        pieces.append(text[at:end])
        at = end
    return pieces


def scan_pieces_of_bytes(pattern: PatternName, data: bytes) -> list[bytes]:
    """Cut bytes into their pieces; each byte that is no UTF-8 is one such character."""
    pieces = scan_pieces(pattern, data.decode("utf-8", "surrogateescape"))
    return [piece.encode("utf-8", "surrogateescape") for piece in pieces]


def contraction(text: Text, at: int) -> int | None:
    """`(?i:'s|'t|'re|'ve|'m|'ll|'d)`: what English glues to a word, in either case.

    The long s, U+017F, is an s in another case.
    """
    return contraction_in(text.characters[at : at + 3].translate(SMALL), at)


def small_contraction(text: Text, at: int) -> int | None:
    """`'s|'t|'re|'ve|'m|'ll|'d`: GPT-2's, in small letters only."""
    return contraction_in(text.characters[at : at + 3], at)


def contraction_in(after: str, at: int) -> int | None:
    """Where the contraction ends that these three characters begin with, if any."""
    if after[:2] in ("'s", "'t", "'m", "'d"):
        return at + 2
    return at + 3 if after in ("'re", "'ve", "'ll") else None


def spaced(bits: int) -> Rule:
    r"""Such as ` ?\p{L}+`: a run of one class; one space may lead."""

    def rule(text: Text, at: int) -> int | None:
        start = at + (text.characters[at] == " ")
        end = text.run(start, bits)
        return end if end > start else None

    return rule


def word(text: Text, at: int) -> int | None:
    r"""`[^\r\n\p{L}\p{N}]?\p{L}+`: letters, led by any one sign, be it a space."""
    start = at + text.lacks(at, NEWLINE | WORD_LIKE)
    end = text.run(start, LETTER)
    return end if end > start else None


def cased_word(text: Text, at: int) -> int | None:
    r"""O200k's word: capitals, then small letters, so that `XyzXyz` is two of them.

    With U = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and W = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
    letters without case and combining marks are both:

        [^\r\n\p{L}\p{N}]?U*W+(contraction)?
       |[^\r\n\p{L}\p{N}]?U+W*(contraction)?

    A mark is no letter: it may lead the word as its sign, or be in it. The order is:
    the first line with a leading sign, the first line without, then the second.
    """
    start = at + text.lacks(at, NEWLINE | WORD_LIKE)
    end = lower_end(text, start) or lower_end(text, at) or upper_end(text, start)
    return end and (contraction(text, end) or end)


def lower_end(text: Text, at: int) -> int | None:
    """`U*W+`: all of U that follows, then the W after it.

    Where no W is after it, the last character of that U which is W too serves as the W;
    what stands behind it, capitals only, is left to the next piece.
    """
    middle = text.run(at, UPPER)
    if text.has(middle, LOWER):
        return text.run(middle, LOWER)
    while middle > at and not text.has(middle - 1, LOWER):
        middle -= 1
    return middle if middle > at else None


def upper_end(text: Text, at: int) -> int | None:
    """`U+W*`. It is asked only where no W stands, so it is a run of capitals."""
    end = text.run(at, UPPER)
    return end if end > at else None


def digits(most: int) -> Rule:
    r"""`\p{N}{1,3}`: numbers are cut from the left, at most so many digits each."""

    def rule(text: Text, at: int) -> int | None:
        end = at
        while end < at + most and text.has(end, NUMBER):
            end += 1
        return end if end > at else None

    return rule


def signs(followers: str) -> Rule:
    r"""` ?[^\s\p{L}\p{N}]+[\r\n]*`: punctuation, a space before, newlines after it."""

    def rule(text: Text, at: int) -> int | None:
        start = at + (text.characters[at] == " ")
        end = text.run_without(start, SPACE | WORD_LIKE)
        return text.run_of(end, followers) if end > start else None

    return rule


def closing_space(text: Text, at: int) -> int | None:
    r"""`\s+\z`: white space to the end of the text."""
    return len(text) if text.run(at, SPACE) == len(text) else None


def lines(text: Text, at: int) -> int | None:
    r"""`\s*[\r\n]+`: white space through the last newline in it."""
    end = text.run(at, SPACE)
    while end > at and not text.has(end - 1, NEWLINE):
        end -= 1
    return end if end > at else None


def space(text: Text, at: int) -> int | None:
    r"""`\s+(?!\S)|\s+`: white space; before a word, all but its last character.

    That one may then lead the word.
    """
    end = text.run(at, SPACE)
    if end < len(text) and end - at > 1:
        return end - 1
    return end if end > at else None


RULES: dict[PatternName, tuple[Rule, ...]] = {
    "gpt2": (
        small_contraction,
        spaced(LETTER),
        spaced(NUMBER),
        signs(""),
        space,
    ),
    "cl100k": (
        contraction,
        word,
        digits(3),
        signs("\r\n"),
        closing_space,
        lines,
        space,
    ),
    "llama3": (contraction, word, digits(3), signs("\r\n"), lines, space),
    "qwen2": (contraction, word, digits(1), signs("\r\n"), lines, space),
    "digits2": (contraction, word, digits(2), signs("\r\n"), lines, space),
    "o200k": (cased_word, digits(3), signs("\r\n/"), lines, space),
}
"""The rules of each pattern, in the order in which they are tried."""
