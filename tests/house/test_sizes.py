"""A module is one idea, a function fits the eye, a line fits the page."""

import ast
from statistics import median

MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 60
MOST_COLUMNS = 88


def functions(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def count_lines(node):
    """Lines of a function from its `def`, the docstring left out."""
    lines = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_no_file_is_longer_than_four_hundred_lines(sources):
    lengths = {path: len(path.read_text().splitlines()) for path in sources}
    assert not {str(p): n for p, n in lengths.items() if n > MOST_FILE_LINES}


def test_no_function_is_longer_than_sixty_lines(sources):
    found = [
        f"{path}:{node.name}"
        for path, tree in sources.items()
        for node in functions(tree)
        if count_lines(node) > MOST_FUNCTION_LINES
    ]
    assert not found


def test_functions_are_short(sources):
    lengths = [count_lines(f) for tree in sources.values() for f in functions(tree)]
    assert median(lengths) < 10


def test_no_line_is_wider_than_a_page(written):
    found = [
        f"{path}:{number}"
        for path, text in written.items()
        if path.suffix == ".py"
        for number, line in enumerate(text.splitlines(), 1)
        if len(line.partition("  # type: ignore")[0]) > MOST_COLUMNS
    ]
    assert not found


def test_everything_is_annotated(sources):
    found = []
    for path, tree in sources.items():
        for node in functions(tree):
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            bare = [a for a in arguments if a.annotation is None]
            named = [a for a in bare if a.arg not in ("self", "cls")]
            if named or node.returns is None:
                found.append(f"{path}:{node.name}")
    assert not found
