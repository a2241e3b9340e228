"""What a Python module says about itself: signatures and the first line of docstrings.

One pass of `ast` over a module's source finds every documented module, class,
function, method and property that has a dotted name (nothing inside functions).
The summary is the docstring's first sentence on one line (PEP 257), or nothing
where that would be no answer: a bare signature, a doctest, "Private", two words.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

ObjectKind = Literal["module", "class", "function", "method", "property"]

MAX_SUMMARY_CHARS = 160
"""About 45 tokens of a small vocabulary: an answer that ends within 64."""
MAX_PARAMETERS_CHARS = 120
MAX_DEFAULT_CHARS = 20
MAX_BASE_CHARS = 40
MIN_SUMMARY_WORDS = 3
N_CONTENTS = 6

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_SENTENCE_END = re.compile(r"[.!?][\"')\]*`]*(?=\s+[\"'(\[*<`]*[A-Z0-9])|[.!?]$")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Inc|resp|[A-Z])|\.\.)\.$")
_SIGNATURE_LINE = re.compile(
    r"[\w.]+\s*\(.*\)\s*(->(?!.*(?:--|:\s|,\s\w+\s\w)).*)?[.:]?$"
)
_NAME_PREFIX = re.compile(r"(?P<name>[\w.]+)\s*(?:--+|:|[–—]|- )\s*")
_CALL_PREFIX = re.compile(
    r"[\w.]+\([^()]*\)(?:\s*->\s*[\w\[\] .]+)?\s*(?:--?|[:,–—])\s+"
)
_BLOCK_START = re.compile(r"(>>>|\.\. |[-*+•]\s|:\w+|@\w+|[=~#_-]{3,}|\||\$)")
_RULE_LINE = re.compile(r"\W+$")
_NO_ANSWER = re.compile(
    r"([\w.]+\s?\(.*->|\S+ = |\w+=|\*\*deprecated|not implemented"
    r"|(private|internal|constructor|see|xxx|todo|fixme|dummy|undocumented|docstring"
    r"|here's|inherited)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """One documented object of a module.

    `name` is the dotted name within the module ("" for the module itself), `call`
    its signature on one line (`copy(src, dst)`, `Popen(object)`), `code` the same
    as source lines, `summary` the first sentence of its docstring.
    """

    kind: ObjectKind
    module: str
    name: str
    call: str
    code: str
    summary: str

    @property
    def dotted(self) -> str:
        """The full name, `shutil.copytree`."""
        return f"{self.module}.{self.name}" if self.name else self.module


def read_signatures(module: str, source: str) -> list[Signature]:
    """Read every documented object of a module that has a usable summary.

    Of several definitions of one name (branches of an `if`, getter and setter) the
    first counts. Returns them in the order of the source.

    Raises:
        SyntaxError: the text is not Python source of this Python.
    """
    found: dict[str, Signature] = {}
    for signature in _walk(module, parse_module(source)):
        found.setdefault(signature.name, signature)
    return list(found.values())


def parse_module(source: str) -> ast.Module:
    """Parse source text quietly; every way to fail is a SyntaxError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's affair
        try:
            return ast.parse(source)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from error


def summarize_docstring(docstring: str, name: str) -> str:
    """Cut a cleaned docstring to its first sentence; "" where that is no answer.

    Example: `"copy(a, b) -> None\\n\\nCopy a\\nto b. Slow."` gives `"Copy a to b."`.
    """
    for paragraph in docstring.split("\n\n")[:2]:
        text = _without_name(" ".join(_prose_lines(paragraph, name)), name)
        if _count_words(text) >= MIN_SUMMARY_WORDS:
            return _checked(_first_sentence(text))
    return ""


def print_parameters(arguments: ast.arguments) -> str:
    """Print parameters as source has them, long defaults as `...`.

    The list ends in `...` where it would pass `MAX_PARAMETERS_CHARS`.
    """
    printed: list[str] = []
    room = MAX_PARAMETERS_CHARS
    for parameter in _parameters(arguments):
        room -= len(parameter) + 2
        if room < 0:
            printed.append("...")
            break
        printed.append(parameter)
    return ", ".join(printed)


def _walk(module: str, tree: ast.Module) -> Iterator[Signature]:
    summary = summarize_docstring(ast.get_docstring(tree) or "", module)
    if summary:
        code = "\n".join([f"# {module}", *_contents(tree)])
        yield Signature("module", module, "", module, code, summary)
    for node, parents in _definitions(tree.body, ()):
        summary = summarize_docstring(ast.get_docstring(node) or "", node.name)
        if not summary:
            continue
        if isinstance(node, ast.ClassDef):
            yield _class_signature(module, node, parents, summary)
        else:
            yield _function_signature(module, node, parents, summary)


def _definitions(
    body: Sequence[ast.stmt], parents: tuple[str, ...]
) -> Iterator[tuple[_Function | ast.ClassDef, tuple[str, ...]]]:
    """Walk classes and functions, into classes and branches, not into functions."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node, parents
            yield from _definitions(node.body, (*parents, node.name))
        elif isinstance(node, _Function):
            yield node, parents
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _definitions(node.body, parents)
            if not isinstance(node, ast.With):
                yield from _definitions(node.orelse, parents)
            if isinstance(node, ast.Try):
                for handler in node.handlers:
                    yield from _definitions(handler.body, parents)


def _contents(tree: ast.Module) -> list[str]:
    """The first public definitions of a module, a line each."""
    lines = []
    for node, parents in _definitions(tree.body, ()):
        if not parents and not node.name.startswith("_"):
            lines.append(_head(node))
    return lines[:N_CONTENTS]


def _class_signature(
    module: str, node: ast.ClassDef, parents: tuple[str, ...], summary: str
) -> Signature:
    name = ".".join((*parents, node.name))
    return Signature(
        kind="class",
        module=module,
        name=name,
        call=_head(node).removeprefix("class ").removesuffix(":"),
        code=_nested(parents, _head(node)),
        summary=summary,
    )


def _function_signature(
    module: str, node: _Function, parents: tuple[str, ...], summary: str
) -> Signature:
    is_property = any(_decorator(d).endswith("property") for d in node.decorator_list)
    name = ".".join((*parents, node.name))
    lines = [f"@{_decorator(d)}" for d in node.decorator_list if _is_plain(d)]
    parameters = "" if is_property else f"({print_parameters(node.args)})"
    return Signature(
        kind="property" if is_property else "method" if parents else "function",
        module=module,
        name=name,
        call=f"{name}{parameters}",
        code=_nested(parents, "\n".join([*lines, _head(node)])),
        summary=summary,
    )


def _head(node: _Function | ast.ClassDef) -> str:
    """The line that opens a definition."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(_short(base, MAX_BASE_CHARS) for base in node.bases)
        return f"class {node.name}({bases}):" if bases else f"class {node.name}:"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {_short(node.returns)}" if node.returns else ""
    return f"{word} {node.name}({print_parameters(node.args)}){returns}:"


def _nested(parents: tuple[str, ...], head: str) -> str:
    lines = [f"{'    ' * depth}class {name}:" for depth, name in enumerate(parents)]
    indent = "    " * len(parents)
    return "\n".join([*lines, *(indent + line for line in head.split("\n"))])


def _is_plain(decorator: ast.expr) -> bool:
    return _decorator(decorator) in {"property", "classmethod", "staticmethod"}


def _decorator(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    plain = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults]
    for i, (argument, default) in enumerate(zip(plain, defaults, strict=True)):
        yield _parameter(argument, default)
        if i + 1 == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg:
        yield "*" + _parameter(arguments.vararg, None)
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(
        arguments.kwonlyargs, arguments.kw_defaults, strict=True
    ):
        yield _parameter(argument, default)
    if arguments.kwarg:
        yield "**" + _parameter(arguments.kwarg, None)


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    text = argument.arg
    equals = "="
    if argument.annotation is not None:
        text, equals = f"{text}: {_short(argument.annotation)}", " = "
    return text if default is None else f"{text}{equals}{_short(default)}"


def _short(node: ast.expr, limit: int = MAX_DEFAULT_CHARS) -> str:
    text = ast.unparse(node)
    return text if len(text) <= limit else "..."


def _prose_lines(paragraph: str, name: str) -> list[str]:
    """The lines before the first doctest, list, field or table of a paragraph."""
    lines: list[str] = []
    stripped = [raw.strip() for raw in paragraph.strip().split("\n")]
    for line, following in zip(stripped, [*stripped[1:], ""], strict=True):
        if not line or _RULE_LINE.match(line):
            continue
        if _BLOCK_START.match(line):
            break
        if lines and _is_title(lines[-1], line):
            if _count_words(" ".join(lines)) >= MIN_SUMMARY_WORDS:
                break
            lines.clear()
        if not lines and _is_signature(line, following, name):
            continue
        lines.append(line)
    return lines


def _is_signature(line: str, following: str, name: str) -> bool:
    """Whether a line is `name(args) -> result` and its sentence does not go on."""
    return (
        name in line
        and not following[:1].islower()
        and bool(_SIGNATURE_LINE.match(line))
    )


def _is_title(line: str, following: str) -> bool:
    """Whether a short line without a full stop stands alone above a sentence."""
    return len(line) < 50 and line[-1] not in ".,;:-(" and following[0].isupper()


def _without_name(text: str, name: str) -> str:
    """Collapse blanks; drop a leading `name(args) -- ` or `module.py: `."""
    text = " ".join(text.split()).removeprefix("+ ")
    match = _NAME_PREFIX.match(text)
    if not match or _bare(match["name"].removesuffix(".py")) != _bare(name):
        match = _CALL_PREFIX.match(text)
    if match:
        text = text[match.end() :]
        text = text[:1].upper() + text[1:]
    return text


def _bare(name: str) -> str:
    return name.split(".")[-1].strip("_")


def _first_sentence(text: str) -> str:
    for match in _SENTENCE_END.finditer(text):
        sentence = text[: match.end()]
        if _ABBREVIATION.search(sentence) and match.end() < len(text):
            continue
        if _count_words(sentence) >= MIN_SUMMARY_WORDS:
            return sentence
    return text


def _checked(text: str) -> str:
    """The summary with its full stop, or "" where it is no answer."""
    if len(text) > MAX_SUMMARY_CHARS or _NO_ANSWER.match(text):
        return ""
    prose = sum(character.isalpha() or character == " " for character in text)
    if prose < 0.75 * len(text) or text[-1] in ":,(-" or text.endswith("..."):
        return ""
    return text if text[-1] in ".!?" else f"{text}."


def _count_words(text: str) -> int:
    """Words that have a letter."""
    return sum(any(c.isalpha() for c in word) for word in text.split())
