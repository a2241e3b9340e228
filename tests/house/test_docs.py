"""Docs that cannot lie: their commands, settings, names and links exist."""

import importlib
import re
import shlex

import click
import pytest

from scratchlm.base.config import parse_overrides
from scratchlm.cli.entry import VERBS, group
from scratchlm.pipeline.recipe import check_said, packaged_recipes

COMMAND = re.compile(
    r"(?:^ {4}|`|^\$ |/)scratchlm (?P<line>[a-z][^`\n]*)", re.MULTILINE
)
MAKE = re.compile(r"(?:^ {4}|`)make (?P<target>[a-z]+)", re.MULTILINE)
IMPORT = re.compile(r"^from (scratchlm[\w.]*) import ([\w, ]+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def pages(repository):
    """Every page that people read: its path and its text."""
    paths = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    found = {path: path.read_text(encoding="utf-8") for path in sorted(paths)}
    assert len(found) > 10
    return found


def commands(text):
    for found in COMMAND.finditer(text):
        line = found["line"].split("  ")[0].split(" #")[0]
        words = shlex.split(re.sub(r"[…\[\]()|]", " ", line))
        yield [word for word in words if word != "..."]


def check_command(words, group_):
    """Raise AssertionError where a command line names what does not exist."""
    command = group_.get_command(click.Context(group_), words[0])
    assert command is not None, f"no verb {words[0]!r}"
    if isinstance(command, click.Group) and len(words) > 1:
        return check_command(words[1:], command)
    options = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
    for word in words[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in options | {"--help"}, word
    return None


def test_commands_in_the_docs_exist(pages):
    n_commands = 0
    for path, text in pages.items():
        for words in commands(text):
            n_commands += 1
            try:
                check_command(words, group)
            except AssertionError as error:
                pytest.fail(f"{path.name}: scratchlm {' '.join(words)}: {error}")
    assert n_commands > 10


def test_settings_in_the_docs_exist(pages):
    """`scratchlm run laptop a.b=value` names a recipe and keys that are known."""
    for text in pages.values():
        for verb, *words in commands(text):
            if verb == "run" and words and words[0] in packaged_recipes():
                check_said(
                    parse_overrides(
                        word for word in words if "." in word and "=" in word
                    )
                )


def test_make_targets_in_the_docs_exist(pages, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):.*## .+$", makefile, re.MULTILINE)
    assert 0 < len(targets) <= 10
    named = {
        found["target"] for text in pages.values() for found in MAKE.finditer(text)
    }
    assert named and named <= set(targets)


def test_names_that_the_docs_import_exist(pages):
    n_names = 0
    for path, text in pages.items():
        for module, names in IMPORT.findall(text):
            found = importlib.import_module(module)
            for name in names.split(","):
                n_names += 1
                assert hasattr(found, name.strip()), f"{path.name}: {module}.{name}"
    assert n_names > 10


def test_links_lead_somewhere(pages, repository):
    for path, text in pages.items():
        for found in LINK.finditer(text):
            target = found["target"]
            if not target.startswith(("http://", "https://", "mailto:")):
                there = (path.parent / target).resolve()
                assert there.exists(), f"{path.relative_to(repository)} → {target}"


def test_every_verb_has_its_file_and_says_what_it_does():
    for name, (module, what) in VERBS.items():
        command = importlib.import_module(f"scratchlm.cli.{module}").command
        assert isinstance(command, click.Command)
        assert command.name == name
        assert command.help and what
