"""How many bytes of each source: shares by weight or size, divided without a rest.

p_i is a source's weight over the sum of all, or n_i^alpha over the sum of those;
quotas are integers by the largest remainder (Hamilton's method) and sum exactly.
"""

import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from scratchlm.base.errors import UserError

HALF_LIFE_EPOCHS = 15.4  # R* of Muennighoff and others (2023), arXiv 2305.16264


def divide(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Integers in proportion to weights that sum to `total`; equal rests by name."""
    exact = {name: Fraction(weight) for name, weight in sorted(weights.items())}
    whole = sum(exact.values())
    assert whole > 0, "some weight is positive"
    wished = {name: total * weight / whole for name, weight in exact.items()}
    quotas = {name: math.floor(share) for name, share in wished.items()}
    rest = total - sum(quotas.values())
    by_rest = sorted(wished, key=lambda name: (quotas[name] - wished[name], name))
    for name in by_rest[:rest]:
        quotas[name] += 1
    return quotas


def mix_quotas(
    sizes: Mapping[str, int],
    weights: Mapping[str, float],
    epochs: Mapping[str, float],
    alpha: float = 1.0,
    total_bytes: int | None = None,
) -> dict[str, int]:
    """Bytes of each source to write; they sum to `total_bytes` where it is given.

    A source with epochs has its size times those. What is left of the total (without
    one: the size of the other sources) is divided by weight; a source without one
    weighs its share of the sizes to the power alpha. An empty source gets nothing.

    Raises:
        UserError: the epochs alone ask for more than the total.
    """
    filled = {name: size for name, size in sorted(sizes.items()) if size}
    fixed = {n: round(Fraction(epochs[n]) * filled[n]) for n in filled if n in epochs}
    others = {name: size for name, size in filled.items() if name not in fixed}
    rest = sum(others.values())
    if total_bytes is not None:
        rest = total_bytes - sum(fixed.values())
        if rest < 0 or (rest and not others):
            raise UserError(
                f"the epochs of the sources make {sum(fixed.values())} bytes, "
                f"mix.total_bytes is {total_bytes}; change one of them"
            )
    shares = _shares(others, weights, alpha)
    quotas = {**fixed, **(divide(rest, shares) if shares else {})}
    return {name: quotas.get(name, 0) for name in sorted(sizes)}


def effective_bytes(n_bytes: int, epochs: float) -> float:
    """What repeated text is worth in fresh text (arXiv 2305.16264, equation 5).

    U (1 + 15.4 (1 - e^(-(E - 1) / 15.4))): 4 epochs are worth 3.73, 16 are 10.6.
    """
    if epochs <= 1:
        return n_bytes * epochs
    gain = -math.expm1(-(epochs - 1) / HALF_LIFE_EPOCHS)
    return n_bytes * (1 + HALF_LIFE_EPOCHS * gain)


def repetition_warnings(
    sizes: Mapping[str, int], quotas: Mapping[str, int], most_epochs: float
) -> list[str]:
    """One line for each source that is repeated more often than is wise."""
    lines = []
    for name in sorted(quotas):
        epochs = quotas[name] / sizes[name] if sizes[name] else 0.0
        if epochs > most_epochs:
            worth = effective_bytes(sizes[name], epochs) / sizes[name]
            lines.append(
                f"{name} is repeated {epochs:.1f} times, which is worth about "
                f"{worth:.1f} times its text; more text would be better"
            )
    return lines


def read_weights(path: Path, sources: Sequence[str]) -> dict[str, float]:
    """Weights by source from a JSON file.

    Raises:
        UserError: no such file, no mapping of numbers, or a source that is not there.
    """
    try:
        weights = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read as JSON ({error}); check mix.weight_file"
        ) from None
    if not isinstance(weights, dict) or not all(map(_is_weight, weights.values())):
        raise UserError(f"{path} must map names of sources to positive numbers")
    unknown = sorted(set(weights) - set(sources))
    if unknown:
        raise UserError(
            f"{path} names the source {unknown[0]!r}, which the recipe has not; "
            f"its sources are {', '.join(sorted(sources))}"
        )
    return {name: float(weight) for name, weight in sorted(weights.items())}


def _shares(
    sizes: Mapping[str, int], weights: Mapping[str, float], alpha: float
) -> dict[str, float]:
    powers = {name: size**alpha for name, size in sizes.items()}
    total = math.fsum(powers.values())
    return {name: weights.get(name, powers[name] / total) for name in sizes}


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value > 0
