"""How text is generated: the choices a person makes. Imports no torch."""

from pydantic import Field

from scratchlm.base.config import Config


class Sampling(Config):
    """How the next token is chosen."""

    temperature: float = Field(default=0.0, ge=0.0)
    """0 takes the most probable token; 1 samples the model's own distribution."""
    top_k: int | None = Field(default=None, ge=1)
    """Only the k most probable tokens may be chosen."""
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    """Only the smallest set of tokens with at least this probability."""
    seed: int = Field(default=0, ge=0)
    """Seed of the first request of a batch; request i takes seed + i."""

    @property
    def greedy(self) -> bool:
        """Whether chance has no part in it."""
        return self.temperature == 0.0 or self.top_k == 1
