"""Values chosen for a draft, each with its reason; what it says itself wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratchlm.base.config import merge


class Choices:
    """Collects derived values and reasons by dotted key."""

    def __init__(self, draft: Mapping[str, Any]) -> None:
        self._draft = draft
        self.values: dict[str, Any] = {}
        """Derived values, nested as in the draft."""
        self.reasons: dict[str, str] = {}
        """Dotted key → reason, of derived values only."""
        self.notes: list[str] = []
        """Lines for the person at the terminal, beyond single values."""

    def choose(self, key: str, value: Any, reason: str) -> Any:
        """Derive a value unless the draft says one; return the one that holds."""
        said = self.said(key)
        if said is not None:
            return said
        nested: Any = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        self.values = merge(self.values, nested)
        self.reasons[key] = reason
        return value

    def held(self, key: str) -> Any:
        """What the draft says about a key, or what was chosen, or None."""
        said = self.said(key)
        return _find(self.values, key) if said is None else said

    def said(self, key: str) -> Any:
        """What the draft says about a key, or None."""
        return _find(self._draft, key)


def _find(nested: Mapping[str, Any], key: str) -> Any:
    found: Any = nested
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found
