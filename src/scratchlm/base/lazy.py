"""Lazy packages (PEP 562): a room's names are importable, its weight is not carried.

Example of a package's `__init__.py`::

    __getattr__, __dir__, __all__ = lazy_exports(__name__, {"Tokenizer": "tokenizer"})
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Build a package's `__getattr__`, `__dir__` and `__all__`.

    Args:
        package: the package's `__name__`.
        modules: public name -> module of the package that defines it.
    """
    names = sorted(modules)

    def getattr_(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return getattr_, lambda: list(names), names
