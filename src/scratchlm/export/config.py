"""What an export writes. Imports no torch."""

from typing import Literal

from scratchlm.base.config import Config

Format = Literal["huggingface", "gguf", "scratchlm"]
Dtype = Literal["float32", "float16", "bfloat16"]
GgufType = Literal["auto", "f32", "f16", "q8_0", "q4_0", "q4_1"]


class ExportConfig(Config):
    """What to write."""

    formats: tuple[Format, ...] = ("huggingface", "gguf", "scratchlm")
    """Formats, each written or refused on its own."""
    name: str = "scratchlm"
    """Name of the model in the GGUF file and on the card."""
    dtype: Dtype = "float32"
    """Type of the weights in the Hugging Face directory."""
    gguf_type: GgufType = "auto"
    """Type of the matrices in the GGUF file; auto is f16, or the model's own 4 bits."""
