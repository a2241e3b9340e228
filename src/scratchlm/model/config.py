"""The shape of a transformer. Every combination trains, generates and quantises.

`modern` is Qwen3's block: RoPE, RMSNorm before each sub-layer, grouped-query attention,
QK-norm before RoPE, SwiGLU. `classic` is GPT-2's: learned positions, LayerNorm, GELU,
biases, a tied head. `diagram` stands the norm after each residual sum:
x ← LayerNorm(x + sublayer(x)). Imports no torch.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from scratchlm.base.config import Config


class ModelConfig(Config):
    """Sizes and switches of a transformer."""

    vocab_size: int = Field(ge=2)
    """Rows of the embedding; ids run from 0 to vocab_size - 1."""
    context_length: int = Field(default=512, ge=1)
    """Most positions that the model attends over, in tokens."""
    n_layers: int = Field(ge=1)
    """Blocks, each attention and feed-forward."""
    n_heads: int = Field(ge=1)
    """Query heads."""
    n_kv_heads: int = Field(ge=1)
    """Key and value heads; fewer than n_heads is grouped-query attention."""
    d_model: int = Field(ge=1)
    """Width of the residual stream."""
    d_ff: int = Field(ge=1)
    """Width inside the feed-forward network."""
    d_head: int = Field(ge=1)
    """Width of one head."""
    position: Literal["rope", "learned"] = "rope"
    """Rotary positions in each attention, or one learned table at the input."""
    norm: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    """Normalisation of the residual stream."""
    norm_placement: Literal["pre", "post"] = "pre"
    """Before each sub-layer, or after each residual sum."""
    mlp: Literal["swiglu", "gelu", "relu2"] = "swiglu"
    """Kind of feed-forward network; relu2 is for ablations."""
    qk_norm: bool = True
    """RMSNorm of queries and keys, per head, before RoPE (Qwen3)."""
    bias: bool = False
    """Biases in all linear layers but the head, and in LayerNorm."""
    tied: bool = False
    """The head shares its weight with the token embedding."""
    rope_theta: float = Field(default=10_000.0, gt=0)
    """Base of the rotary frequencies."""
    norm_epsilon: float = Field(default=1e-6, gt=0)
    """Added to the variance inside the norms."""

    @model_validator(mode="before")
    @classmethod
    def _fill_head_width(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("d_head") is None:
            width, heads = values.get("d_model"), values.get("n_heads")
            if isinstance(width, int) and isinstance(heads, int) and heads > 0:
                values = {**values, "d_head": width // heads}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_heads = {self.n_heads} is not a multiple of "
                f"n_kv_heads = {self.n_kv_heads}"
            )
        if self.position == "rope" and self.d_head % 2:
            raise ValueError(f"RoPE needs an even d_head, not {self.d_head}")
        return self

    @property
    def n_parameters(self) -> int:
        """Exact number of trainable parameters; a tied head counts once."""
        embedding = self.vocab_size * self.d_model
        positions = self.context_length * self.d_model
        total = embedding * (1 if self.tied else 2)
        total += positions if self.position == "learned" else 0
        total += self.n_layers * self.n_block_parameters
        return total + (self._norm_size if self.norm_placement == "pre" else 0)

    @property
    def n_block_parameters(self) -> int:
        """Exact number of parameters of one block."""
        q_width, kv_width = self.n_heads * self.d_head, self.n_kv_heads * self.d_head
        matrices = self.d_model * (2 * q_width + 2 * kv_width)
        n_ff_matrices = 3 if self.mlp == "swiglu" else 2
        matrices += n_ff_matrices * self.d_model * self.d_ff
        biases = q_width + 2 * kv_width + self.d_model
        biases += (n_ff_matrices - 1) * self.d_ff + self.d_model
        qk_norms = 2 * self.d_head if self.qk_norm else 0
        return matrices + (biases if self.bias else 0) + 2 * self._norm_size + qk_norms

    @property
    def _norm_size(self) -> int:
        has_bias = self.norm == "layernorm" and self.bias
        return self.d_model * (2 if has_bias else 1)
