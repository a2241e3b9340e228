import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = (
    "corpus",
    "tokenizer",
    "data",
    "model",
    "generate",
    "train",
    "evaluate",
    "finetune",
    "align",
    "quantize",
    "export",
    "serve",
    "plan",
    "pipeline",
    "cli",
    "base",
    "native",
)
"""The one list, in the order in which data flows; then what stands beside and below."""


@pytest.fixture(scope="session")
def rooms() -> tuple[str, ...]:
    return ROOMS


@pytest.fixture(scope="session")
def sources(repository: Path) -> dict[Path, ast.Module]:
    """Every module of the package, parsed."""
    package = repository / "src" / "scratchlm"
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


@pytest.fixture(scope="session")
def written(repository: Path) -> dict[Path, str]:
    """Every text that people wrote here: code, tests, docs, settings."""
    return {path: path.read_text(encoding="utf-8") for path in _texts(repository)}


def _texts(repository: Path) -> Iterator[Path]:
    kinds = {".py", ".md", ".toml", ".sh", ".html", ".css"}
    folders = ("src", "tests", "docs", "benchmarks", "examples", "scripts", ".ci")
    files = [path for path in repository.iterdir() if path.is_file()]
    for folder in folders:
        files += (repository / folder).rglob("*")
    for path in sorted(files):
        is_made = any(p.endswith(("__pycache__", ".egg-info")) for p in path.parts)
        is_text = path.suffix in kinds or path.name in ("Makefile", "run")
        if path.is_file() and is_text and not is_made:
            yield path
