"""What all tests share: annotations with shapes are checked, and chance is seeded.

The import hook holds every call of tensor code against its jaxtyping annotations, in
the tests only: a wrong axis fails where it is passed, not where it hurts.
"""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # many small tensors: threads only wait

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

REPOSITORY = Path(__file__).parents[1]
SOURCES = REPOSITORY / "src"


def tensor_modules() -> list[str]:
    """The modules whose signatures carry shapes."""
    return [
        ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        for path in sorted(SOURCES.rglob("*.py"))
        if "from jaxtyping import" in path.read_text(encoding="utf-8")
    ]


settings.register_profile(
    "scratchlm", deadline=None, derandomize=True, max_examples=40, database=None
)
settings.load_profile("scratchlm")
install_import_hook(tensor_modules(), "beartype.beartype")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY
