"""Settings of near-duplicate removal, and of the clusters that a split keeps whole."""

from pydantic import Field

from scratchlm.base.config import Config


class NearConfig(Config):
    """When two documents are so alike that one of them goes."""

    enabled: bool = True
    """Remove near-duplicates."""
    threshold: float = Field(default=0.65, gt=0, le=1)
    """Jaccard similarity of the sets of five-word shingles from which the later of two
    documents goes: by priority of the source, then length, then content, then id."""
    containment: float | None = Field(default=0.95, gt=0, le=1)
    """Share of a document's shingles in a kept one that is not shorter, from which it
    goes whatever the Jaccard similarity; none: that alone decides."""
    bands: int = Field(default=18, ge=1, le=256)
    """Bands of the signature; documents that agree in one are compared."""
    rows: int = Field(default=6, ge=1, le=64)
    """Values in a band: fewer find pairs that are less alike, and compare more."""
    max_document_bytes: int = Field(default=16 * 2**20, ge=1)
    """Longer documents stay without a look."""
    max_leaders: int = Field(default=64, ge=1, le=4096)
    """Kept documents that a bucket remembers, so that a crowd with one template costs
    no more than its size."""
    max_comparisons: int = Field(default=16, ge=1, le=64)
    """Kept documents that a document is compared with, the likeliest first."""


class ClusterConfig(NearConfig):
    """Which documents must not be parted by a split: looser than what removal asks."""

    enabled: bool = True
    """Look for clusters, so that no two of a kind stand on both sides."""
    threshold: float = Field(default=0.5, gt=0, le=1)
    """Jaccard similarity from which two documents belong to one cluster."""
    bands: int = Field(default=27, ge=1, le=256)
    """Bands of the signature; documents that agree in one are compared."""
    rows: int = Field(default=4, ge=1, le=64)
    """Values in a band: fewer find pairs that are less alike, and compare more."""
