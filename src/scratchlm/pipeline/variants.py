"""What an ablation varies: settings as a person writes them, each against the baseline.

--vary model.mlp=swiglu,relu2     one variant for each value that is not the base's
--with "model.mlp=relu2 model.d_ff=768"      settings that change together
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scratchlm.base.config import merge, parse_overrides
from scratchlm.base.errors import UserError


@dataclass(frozen=True)
class Variant:
    """One change of the baseline; the baseline itself changes nothing."""

    label: str
    settings: dict[str, Any] = field(default_factory=dict)


BASELINE = Variant("baseline")


def read_variants(
    vary: Sequence[str], together: Sequence[str] = (), grid: bool = False
) -> list[Variant]:
    """Read what was asked for.

    Args:
        vary: "key=value,value"; each value by itself, or with `grid` all combinations.
        together: "key=value key=value"; one variant each.

    Raises:
        UserError: no setting, or no value.
    """
    factors = [_factor(text) for text in vary]
    if grid:
        variants = [_joined(choice) for choice in itertools.product(*factors)]
    else:
        variants = [variant for factor in factors for variant in factor]
    variants += [_together(text) for text in together]
    if not variants or variants == [Variant("")]:
        raise UserError("nothing is varied; say for instance --vary model.mlp=relu2")
    return list({variant.label: variant for variant in variants}.values())


def flatten_settings(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten_settings(value, f"{above}{key}.")
        else:
            flat[above + key] = value
    return flat


def _factor(text: str) -> list[Variant]:
    key, sign, values = text.partition("=")
    if not sign or "." not in key or not values:
        raise UserError(
            f"--vary {text!r} is not of the form SECTION.KEY=VALUE,VALUE "
            "(such as model.mlp=swiglu,relu2)"
        )
    return [_together(f"{key.strip()}={value.strip()}") for value in _split(values)]


def _split(values: str) -> list[str]:
    """Cut at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for character in values:
        depth += (character == "[") - (character == "]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _together(text: str) -> Variant:
    words = text.split()
    label = ", ".join(word.partition(".")[2] or word for word in words)
    return Variant(label, parse_overrides(words))


def _joined(variants: Sequence[Variant]) -> Variant:
    settings: dict[str, Any] = {}
    for variant in variants:
        settings = merge(settings, variant.settings)
    return Variant(", ".join(variant.label for variant in variants), settings)
