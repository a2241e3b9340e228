"""What was measured of a machine before a run, and what follows for other shapes.

Seconds a token are modelled as a + b · FLOPs a token, fitted to two or three model
shapes: b is the arithmetic, a what every token costs besides.
"""

from __future__ import annotations

from typing import Literal

from scratchlm.base.config import Config
from scratchlm.base.units import format_count


class Speed(Config):
    """One measured training speed: forward, backward and optimizer."""

    n_layers: int
    d_model: int
    flops_per_token: float
    """Training FLOPs a token of that shape."""
    tokens_per_s: float
    tokens_per_step: int
    dtype: Literal["float32", "bfloat16"] = "float32"
    attention: Literal["products", "sdpa"] = "products"


class Calibration(Config):
    """A machine's speeds, and the choices that they led to."""

    cpu: str = ""
    """The processor's name."""
    device: str = "cpu"
    dtype: Literal["float32", "bfloat16"] = "float32"
    attention: Literal["products", "sdpa"] = "products"
    threads: int = 2
    speeds: tuple[Speed, ...]
    """Every measured speed, those of settings that lost included."""
    spent_s: float = 0.0
    """Seconds from the start to the end of the calibration: text and measuring."""
    corpus_s: float = 0.0
    """Seconds that the corpus stage took."""

    def chosen_speeds(self) -> list[Speed]:
        """The speeds with the precision and attention that were chosen."""
        return [
            speed
            for speed in self.speeds
            if (speed.dtype, speed.attention) == (self.dtype, self.attention)
        ]

    def summary(self) -> str:
        """What was found, in one line."""
        found = ", ".join(
            f"{format_count(speed.tokens_per_s)} tokens/s at {speed.n_layers} layers "
            f"of {speed.d_model}"
            for speed in sorted(self.chosen_speeds(), key=lambda s: s.flops_per_token)
        )
        how = f"{self.device}, {self.dtype}, {self.threads} threads"
        return f"{how}, attention by {self.attention}: {found}"

    def estimate_tokens_per_s(self, flops_per_token: float) -> float:
        """Training speed of a shape that costs so many FLOPs a token."""
        a, b = fit_line(
            [(s.flops_per_token, 1 / s.tokens_per_s) for s in self.chosen_speeds()]
        )
        return 1 / (a + b * flops_per_token)


def fit_line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Fit y = a + b x with a ≥ 0 and b > 0, minimising relative errors.

    Args:
        points: (x, y), all positive, at least one.
    """
    assert points
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = covariance = 0.0
    for w, (x, y) in zip(weights, points, strict=True):
        spread += w * (x - mean_x) ** 2
        covariance += w * (x - mean_x) * (y - mean_y)
    slope = covariance / spread if spread > 0 else 0.0
    intercept = mean_y - slope * mean_x
    if slope <= 0 or intercept < 0:
        return 0.0, mean_y / mean_x
    return intercept, slope


NOMINAL = Calibration(
    speeds=(
        Speed(
            n_layers=6,
            d_model=192,
            flops_per_token=22e6,
            tokens_per_s=6000.0,
            tokens_per_step=2048,
        ),
    ),
    corpus_s=20.0,
    spent_s=28.0,
)
"""A machine that stands for any: drafts are checked against it before the start."""
