"""What a person chooses about quantisation. Imports no torch."""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config


class QuantizeConfig(Config):
    """Method and grid of the quantised weights."""

    method: Literal["awq", "rtn"] = "awq"
    """awq scales channels by their activations first; rtn rounds to nearest."""
    bits: Literal[4, 8] = 4
    """Bits of a weight."""
    group_size: int = Field(default=32, ge=2)
    """Input channels that share a scale and a zero point."""
    n_grid: int = Field(default=20, ge=2)
    """awq: exponents that are tried for the scales, evenly spaced in 0..1."""
    clip: bool = True
    """awq: also search, group by group, how much of the range to give up."""
    batch_size: int = Field(default=8, ge=1)
    """Calibration sequences that are run at once; changes memory, not much else."""
