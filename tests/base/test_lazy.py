import importlib
import sys

import pytest

from scratchlm.base.lazy import lazy_exports


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one lazy name, freshly imported."""
    room = tmp_path / "lazyroom"
    room.mkdir()
    room.joinpath("heavy.py").write_text("class Thing:\n    pass\n")
    room.joinpath("__init__.py").write_text(
        "from scratchlm.base.lazy import lazy_exports\n"
        "__getattr__, __dir__, __all__ = lazy_exports(__name__, {'Thing': 'heavy'})\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("lazyroom")
    for name in [name for name in sys.modules if name.startswith("lazyroom")]:
        del sys.modules[name]


def test_a_module_is_loaded_when_its_name_is_used(package):
    assert "lazyroom.heavy" not in sys.modules
    thing = package.Thing
    assert thing is sys.modules["lazyroom.heavy"].Thing


def test_the_names_are_listed(package):
    assert dir(package) == package.__all__ == ["Thing"]


def test_an_unknown_name_is_an_ordinary_mistake(package):
    with pytest.raises(AttributeError, match="'lazyroom' has no attribute 'Other'"):
        _ = package.Other


def test_names_are_sorted():
    assert lazy_exports("p", {"b": "m", "A": "m", "a": "m"})[2] == ["A", "a", "b"]
