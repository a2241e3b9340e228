"""What the tests of the filters share."""

import pytest

from scratchlm import native


@pytest.fixture(params=["native", "reference"])
def core(request, monkeypatch):
    """Run a test with the C core and without it."""
    if request.param == "reference":
        monkeypatch.setattr(native, "core", None)
    elif native.core is None:
        pytest.skip(native.why)
    return request.param
