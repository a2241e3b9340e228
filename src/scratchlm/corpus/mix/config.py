"""How much of each source is seen, and how much is held out."""

from pydantic import Field

from scratchlm.base.config import Config
from scratchlm.corpus.dedup.near_config import ClusterConfig


class MixConfig(Config):
    """Shares of the sources; each source's own weight or epochs stand with it."""

    alpha: float = Field(default=1.0, ge=0, le=1)
    """Sources without a weight count as their size to this power: 1 as they are, 0 all
    alike; 0.3 to 0.7 lift small ones, as a temperature of 1 / alpha does."""
    total_bytes: int | None = Field(default=None, ge=1)
    """Bytes of text to write for training; without it as many as there are."""
    weight_file: str | None = None
    """A JSON file of weights by source, from another program; it goes before the
    weights that stand with the sources."""
    warn_above_epochs: float = Field(default=4.0, gt=0)
    """Text that is repeated more often than this is worth a warning."""
    seed: int = 0
    """Decides which documents make up a part of an epoch."""


class SplitConfig(Config):
    """The held-out share. Documents that are alike stand on one side."""

    heldout_frac: float = Field(default=0.01, ge=0, le=0.5)
    """Share of the bytes to hold out; none: nothing is held out."""
    clusters: ClusterConfig = ClusterConfig()
    """What counts as alike."""
    seed: int = 0
    """Decides which clusters are held out."""
