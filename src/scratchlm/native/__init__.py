"""The C core: one optional extension; everything it does has a reference in Python.

`core` is the extension or None, `why` says which and why. `SCRATCHLM_NATIVE=0` in the
environment switches it off, so that the references run.
"""

import os
from types import ModuleType

__all__ = ["core", "why"]


def _load() -> tuple[ModuleType | None, str]:
    if os.environ.get("SCRATCHLM_NATIVE") == "0":
        return None, "switched off by SCRATCHLM_NATIVE=0"
    try:
        import scratchlm.native._core as extension
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError):
            return None, f"the extension does not load: {error}"
        return None, "it was not built: install a C compiler, then install scratchlm"
    return extension, "built and loaded"


core, why = _load()
