"""What is read from a module's source, and what is too poor to be an answer."""

import ast
import heapq
import inspect
import textwrap

import pytest

from scratchlm.corpus.signatures import (
    MAX_SUMMARY_CHARS,
    print_parameters,
    read_signatures,
    summarize_docstring,
)

SOURCE = '''
"""Tools for boxes. They are small."""
import os

class Box(dict):
    """A container that has a lid."""

    @property
    def lid(self):
        """The lid of the box."""

    @lid.setter
    def lid(self, value):
        """Put another lid on the box."""

    class Hinge:
        def turn(self, angle: float = 90.0, *, slowly=False):
            """Turn the hinge by an angle.

            More text.
            """

async def send(box, /, *boxes, to="a very long address indeed", **options):
    """Send boxes to somebody"""
    def hidden():
        """Never found by anybody."""

if os.name == "nt":
    def open_box(box):
        """Open a box on Windows."""
else:
    def open_box(box):
        """Open a box on other systems."""

def bare(): pass
'''


def read(source):
    return {s.name: s for s in read_signatures("boxes", textwrap.dedent(source))}


def test_every_documented_object_with_a_dotted_name_is_found_once():
    found = read(SOURCE)
    assert {name: s.kind for name, s in found.items()} == {
        "": "module",
        "Box": "class",
        "Box.lid": "property",
        "Box.Hinge.turn": "method",
        "send": "function",
        "open_box": "function",
    }
    assert found["Box.lid"].summary == "The lid of the box."
    assert found["open_box"].summary == "Open a box on Windows."
    assert found["Box.Hinge.turn"].dotted == "boxes.Box.Hinge.turn"


def test_signatures_are_printed_as_source_and_as_a_call():
    found = read(SOURCE)
    assert found["send"].call == "send(box, /, *boxes, to=..., **options)"
    assert found["Box.Hinge.turn"].code == (
        "class Box:\n"
        "    class Hinge:\n"
        "        def turn(self, angle: float = 90.0, *, slowly=False):"
    )
    assert found["Box.lid"].code == "class Box:\n    @property\n    def lid(self):"
    assert found["Box"].call == "Box(dict)"
    assert found[""].code.split("\n")[:2] == ["# boxes", "class Box(dict):"]


def test_printed_code_is_source_again():
    for signature in read_signatures("heapq", inspect.getsource(heapq)):
        if signature.kind != "module":
            indent = " " * 4 * signature.code.count("    ")
            ast.parse(f"{signature.code}\n{indent}        pass")


def test_long_parameter_lists_are_cut_between_parameters():
    names = [f"parameter_{i}" for i in range(40)]
    node = ast.parse(f"def f({', '.join(names)}): pass").body[0]
    printed = print_parameters(node.args).split(", ")
    assert printed[-1] == "..."
    assert printed[:-1] == names[: len(printed) - 1]


@pytest.mark.parametrize(
    ("docstring", "summary"),
    [
        ("Copy a file.\n\nAnd more.", "Copy a file."),
        ("Copy a\nfile to b", "Copy a file to b."),
        ("Copy a file. Slow.", "Copy a file."),
        ("Copy a file (e.g. a log). Slow.", "Copy a file (e.g. a log)."),
        ("copy(a, b) -> None\n\nCopy a file to b.", "Copy a file to b."),
        ("copy(a, b) -- duplicate one file.", "Duplicate one file."),
        ("S.copy(a) -> int -- number of copies made", "Number of copies made."),
        ("Copy\n\nMakes a second file of one.", "Makes a second file of one."),
        ("Copies of files\nThey take room.", "Copies of files."),
        ("Copy files:\n\n- one\n- two", ""),
        ("copy(a, b) -> None", ""),
        ("Private function of this module.", ""),
        (">>> copy(1, 2)\n3", ""),
        ("Copy it.", ""),
        ("", ""),
        ("Copy " + "very " * 40 + "much.", ""),
        ("Too short. " + "Long " * 60, ""),
    ],
)
def test_a_summary_is_the_first_sentence_or_nothing(docstring, summary):
    assert summarize_docstring(docstring, "copy") == summary
    assert len(summary) <= MAX_SUMMARY_CHARS


def test_text_that_is_no_source_is_a_syntax_error():
    for text in ("def f(:", "x = '\0'", "(" * 100_000):
        with pytest.raises(SyntaxError):
            read_signatures("broken", text)
