"""What of the machine a run uses; frozen in its recipe. Imports no torch."""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config


class MachineConfig(Config):
    """Device, precision and threads of a run: chosen once, then never again."""

    device: str = "cpu"
    """A torch device: cpu, cuda, mps."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the matrix products; the weights' master copy is float32."""
    threads: int = Field(default=2, ge=1)
    """Threads of torch's kernels; changing them may change the last bits."""
    attention: Literal["products", "sdpa"] = "products"
    """Attention by explicit batched products, or torch's fused kernel."""
