"""The public surface: every name exists, is documented, and means one thing."""

import ast
import importlib

from scratchlm.base.config import Config
from scratchlm.generate import Sampling
from scratchlm.pipeline.recipe import Recipe
from scratchlm.plan import PlanConfig

FORBIDDEN_FILES = {"utils", "common", "core", "helpers", "misc", "manager"}


def test_every_exported_name_exists_and_is_documented(rooms):
    for room in rooms:
        module = importlib.import_module(f"scratchlm.{room}")
        assert module.__doc__, room
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if callable(thing):
                assert (thing.__doc__ or "").strip(), f"{room}.{name}"


def test_a_name_is_not_a_modules_name_too(repository, rooms):
    """`from scratchlm.room import thing` would give the module once it is loaded."""
    for room in rooms:
        folder = repository / "src" / "scratchlm" / room
        exported = set(
            getattr(importlib.import_module(f"scratchlm.{room}"), "__all__", ())
        )
        assert not exported & {path.stem for path in folder.iterdir()}, room


def test_type_checkers_see_the_names_that_are_lazy(repository, rooms):
    """What `lazy_exports` names stands under TYPE_CHECKING too, and nothing else."""
    for room in rooms:
        path = repository / "src" / "scratchlm" / room / "__init__.py"
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.If):
                seen = {a.asname or a.name for n in node.body for a in n.names}
                lazy = importlib.import_module(f"scratchlm.{room}").__all__
                assert seen == set(lazy), room


def test_every_public_definition_has_a_docstring(sources):
    found = []
    for path, tree in sources.items():
        assert ast.get_docstring(tree), f"{path} says nothing of itself"
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
        bodies = [tree.body, *(n.body for n in classes if n.name[0] != "_")]
        for node in (node for body in bodies for node in body):
            is_definition = isinstance(node, ast.FunctionDef | ast.ClassDef)
            if is_definition and node.name[0] != "_" and not ast.get_docstring(node):
                found.append(f"{path}:{node.name}")
    assert not found


def test_every_setting_explains_itself():
    """Attribute docstrings are the help text, of the recipe and of the planner."""
    todo, found = [Recipe, PlanConfig, Sampling], []
    while todo:
        for name, field in todo.pop().model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, Config):
                todo.append(kind)
            if not field.description:
                found.append(name)
    assert not found


def test_files_are_called_by_their_idea(sources):
    names = {path.stem for path in sources}
    assert not names & FORBIDDEN_FILES
    assert not [name for name in names if name.endswith(("_v2", "_new", "_old"))]
