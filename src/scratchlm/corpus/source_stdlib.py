"""The text that every machine with Python has: its own standard library.

One document a module, its dotted name in `metadata["module"]`, and one document a
`pydoc` topic (the language reference as prose, source `pydoc-topics`). Left out, by
whole folders: tests, generated tables (`encodings`), frozen older tools (`idlelib`,
`lib2to3`), demos, bundled wheels, build settings; and modules that are one big
literal. Licence comments that several modules repeat are removed from the text;
the Python Software Foundation's notice stands in the receipt instead.
"""

import ast
import os
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.clean import clean_text
from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.document import Document
from scratchlm.corpus.receipt import Receipt, Step

_FOLDERS = """test tests idle_test encodings idlelib lib2to3 turtledemo ensurepip
    site-packages dist-packages __pycache__ __phello__"""
LEFT_OUT_FOLDERS = frozenset(_FOLDERS.split())
LEFT_OUT_FILES = re.compile(r"_sysconfigdata.*|__hello__\.py|test_.*\.py")
LICENCE = "PSF-2.0"
TOPICS = Path("pydoc_data") / "topics.py"
FEWEST_MODULES = 50
TABLE_FRAC = 0.5  # of a module's text inside one literal
BYTES_PER_DEFINITION = 4_000  # above this a module may be a table: look closer

_DEFINITION = re.compile(r"^[ \t]*(?:async def|def|class) ", re.MULTILINE)
_COMMENT_BLOCK = re.compile(r"(?:^#.*\n)+", re.MULTILINE)
_LEGAL = re.compile(r"copyright|licen[cs]e|all rights reserved", re.IGNORECASE)


def collect_stdlib(receipt: Receipt, root: Path | None = None) -> list[Document]:
    """Modules and topics of the standard library under `root` (this Python's).

    Raises:
        UserError: this Python came without its sources (zipped or stripped).
    """
    where = root or Path(sysconfig.get_paths()["stdlib"])
    step = receipt.step("collect", "modules", named=100)
    step.notes["python"] = ".".join(map(str, sys.version_info[:3]))
    step.notes["notice"] = stdlib_notice()
    modules = list(_read_modules(where, step))
    if len(modules) < FEWEST_MODULES:
        raise UserError(
            f"this Python has only {len(modules)} modules of its standard library as "
            f"source text (in {where}); give your own text with --text DIR_OR_FILES"
        )
    modules = _without_repeated_licences(modules, step)
    return modules + list(_read_topics(where, receipt.step("topics", "topics")))


def stdlib_notice() -> str:
    """The notice that the Python Software Foundation's licence asks to keep."""
    return (
        f"{sys.copyright}\nThe standard library's sources and pydoc topics are used "
        "under the PSF License Agreement, https://docs.python.org/3/license.html"
    )


def _read_modules(root: Path, step: Step) -> Iterator[Document]:
    for path in _module_paths(root):
        name = _module_name(path.relative_to(root))
        try:
            text = clean_text(decode(path.read_bytes()).text)
        except (OSError, UnreadableError) as error:
            step.drop(name, f"unreadable: {_reason(error)}")
            continue
        if _is_table(text):
            step.drop(name, "one big literal", len(text))
            continue
        metadata = {"module": name, "licence": LICENCE}
        document = Document(name, text, "stdlib", metadata)
        step.keep(document.n_bytes)
        yield document


def _module_paths(root: Path) -> list[Path]:
    """Source files of the library's own top-level modules, sorted by path."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not _left_out_folder(name)]
        for name in files:
            if name.endswith(".py") and not LEFT_OUT_FILES.fullmatch(name):
                found.append(Path(folder, name))
    return sorted(
        path
        for path in found
        if _module_name(path.relative_to(root)).partition(".")[0]
        in sys.stdlib_module_names
        and path.relative_to(root) != TOPICS
    )


def _left_out_folder(name: str) -> bool:
    return name in LEFT_OUT_FOLDERS or name.startswith("config-")


def _module_name(path: Path) -> str:
    """`json/decoder.py` -> `json.decoder`, `json/__init__.py` -> `json`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_table(text: str) -> bool:
    """Whether more than half of a module is one literal (parsed only on suspicion)."""
    if len(text) < BYTES_PER_DEFINITION * (1 + len(_DEFINITION.findall(text))):
        return False
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    lines = text.count("\n")
    return any(
        isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Dict | ast.List | ast.Tuple | ast.Set)
        and (node.end_lineno or 0) - node.lineno > TABLE_FRAC * lines
        for node in body
    )


def _without_repeated_licences(modules: list[Document], step: Step) -> list[Document]:
    """Remove legal comment blocks that stand, years aside, in several modules."""
    seen = Counter(
        key for module in modules for key in {*map(_block_key, _legal_blocks(module))}
    )
    removed = 0
    result = []
    for module in modules:
        text = module.text
        for block in _legal_blocks(module):
            if seen[_block_key(block)] > 1:
                text = text.replace(block, "", 1)
                removed += 1
        result.append(Document(module.id, clean_text(text), "stdlib", module.metadata))
    step.notes["repeated_licence_comments_removed"] = removed
    return result


def _legal_blocks(module: Document) -> list[str]:
    blocks = _COMMENT_BLOCK.findall(module.text)
    return [block for block in blocks if _LEGAL.search(block)]


def _block_key(block: str) -> str:
    return " ".join(re.sub(r"[\d#]+", "", block).split())


def _read_topics(root: Path, step: Step) -> Iterator[Document]:
    """The pydoc topics, or none (and a line in the receipt) where they are absent."""
    try:
        topics = _parse_topics((root / TOPICS).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError) as error:
        step.drop("pydoc topics", f"unreadable: {_reason(error)}")
        return
    for name, text in sorted(topics.items()):
        cleaned = clean_text(text)
        step.keep(len(cleaned.encode("utf-8")))
        metadata = {"topic": name, "licence": LICENCE}
        yield Document(f"topic:{name}", cleaned, "pydoc-topics", metadata)


def _parse_topics(source: str) -> dict[str, str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            topics: dict[str, Any] = ast.literal_eval(node.value)
            return {str(key): str(text) for key, text in topics.items()}
    raise ValueError("no table of topics")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
