"""What of the machine a run uses; frozen in its recipe. Imports no torch."""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config


class MachineConfig(Config):
    """Device, precision and threads of a run: chosen once, then never again."""

    device: str = "cpu"
    """A torch device: cpu, cuda, mps."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of the matrix products; the weights' master copy is float32. float16
    scales the loss, and is chosen only by name."""
    threads: int = Field(default=2, ge=1)
    """Threads of torch's kernels; changing them may change the last bits."""
    attention: Literal["products", "sdpa"] = "products"
    """Attention by explicit batched products, or torch's fused kernel."""
    weight_gradient: Literal["whole", "chunked"] = "whole"
    """Weight gradients by one product, or summed over 1,024 tokens at a time, which
    processors with matrix tiles (AMX) prefer."""
    compile: bool = False
    """Blocks through torch.compile: 10 to 35 s at the start, for 8 to 15 % of speed."""
    ceiling_flops_per_s: float | None = Field(default=None, gt=0)
    """Matrix products measured on the model's own shapes; utilisation is a share of
    it."""
