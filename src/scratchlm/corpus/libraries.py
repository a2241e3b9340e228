"""The libraries that decide what is read, and which of them are here.

A newer extractor finds another text, a newer Python other letters, and a file that
nobody could read is read once its package is installed: so their versions belong to
what makes a finished task the right one.
"""

import platform
from importlib.metadata import PackageNotFoundError, version

_READERS = """charset-normalizer courlan fastwarc ftfy htmldate jusText lxml
    lxml-html-clean odfpy openpyxl py3langid pypdfium2 python-docx striprtf
    trafilatura zstandard"""
_TABLES = "numpy pyarrow"


def library_versions() -> dict[str, str | None]:
    """Versions by name, Python's too; None for a package that is not installed."""
    names = [*_READERS.split(), *_TABLES.split()]
    return {"python": platform.python_version(), **{n: _version(n) for n in names}}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
