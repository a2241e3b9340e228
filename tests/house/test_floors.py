"""An import may only go down, and what is light stays light."""

import subprocess
import sys
import tomllib

import pytest
from importlinter.cli import lint_imports

HEAVY = (
    "torch",
    "transformers",
    "pyarrow",
    "rich",
    "trafilatura",
    "importlib.metadata",
)
IMPORT = """
import importlib, sys
heavy = {heavy!r}
for name in {modules!r}:
    importlib.import_module(name)
    found = [module for module in heavy if module in sys.modules]
    assert not found, f"importing {{name}} imports {{found}}"
"""


def run_python(code, *arguments):
    command = [sys.executable, *arguments, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_an_import_may_only_go_down(repository, capsys):
    settings = repository / "pyproject.toml"
    status = lint_imports(config_filename=str(settings), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_every_room_stands_on_a_floor(repository, rooms):
    text = (repository / "pyproject.toml").read_text()
    [contract] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    placed = [room for floor in contract["layers"] for room in floor.split(" | ")]
    assert sorted(placed) == sorted(rooms)
    assert contract["exhaustive"] is True
    package = repository / "src" / "scratchlm"
    assert {path.parent.name for path in package.glob("*/__init__.py")} == set(rooms)


def test_no_room_is_heavy_before_it_is_used(rooms):
    """A room's names are lazy: importing the package costs nothing."""
    modules = [f"scratchlm.{room}" for room in rooms]
    done = run_python(IMPORT.format(heavy=("torch", "transformers"), modules=modules))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ["base", "corpus", "tokenizer", "plan", "cli"])
def test_what_needs_no_torch_does_not_import_it(repository, room):
    """Every module of the room, down to the last helper."""
    package = repository / "src"
    modules = [
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in sorted((package / "scratchlm" / room).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    done = run_python(IMPORT.format(heavy=("torch",), modules=modules))
    assert done.returncode == 0, done.stderr


def test_the_recipe_is_read_without_torch():
    """A run that is up to date ends in a moment."""
    modules = ["scratchlm.pipeline.recipe", "scratchlm.pipeline.journey"]
    done = run_python(IMPORT.format(heavy=("torch",), modules=modules))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = f"""
import sys
from scratchlm.cli.entry import run_command
assert run_command({arguments!r}) == 0
found = [module for module in {HEAVY[:-1]!r} if module in sys.modules]
assert not found, found
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert "scratchlm" in done.stdout
