"""The shape of a transformer. Every combination trains, and generates with a cache.

`modern` is Qwen3's block: RoPE, RMSNorm before each sub-layer, grouped-query attention,
QK-norm before RoPE, SwiGLU. `classic` is GPT-2's: learned positions, LayerNorm, GELU,
biases, a tied head. `diagram` stands the norm after each residual sum:
x ← LayerNorm(x + sublayer(x)). Imports no torch.
"""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from scratchlm.base.config import Config
from scratchlm.model.counts import count_parameters

VALUE_GATE_WIDTH = 12
"""Channels of the stream that open the gate of a value embedding (nanochat)."""


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
    position: Literal["rope", "learned", "none"] = "rope"
    """Rotary positions in each attention, one learned table at the input, or none."""
    rope_theta: float = Field(default=10_000.0, gt=0)
    """Base of the rotary frequencies."""
    rope_scaling: Literal["none", "linear", "yarn"] = "none"
    """How rotary positions reach beyond the context that was trained."""
    rope_factor: float = Field(default=1.0, ge=1)
    """How many times longer the context becomes by rope_scaling."""
    rope_original_context: int | None = Field(default=None, ge=1)
    """The context before YaRN, in tokens; None: context_length / rope_factor."""
    norm: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    """Normalisation of the residual stream."""
    norm_placement: Literal["pre", "post"] = "pre"
    """Before each sub-layer, or after each residual sum."""
    norm_gain: bool = True
    """Gains (and biases) in the norms of the stream; False: no parameters there."""
    norm_epsilon: float = Field(default=1e-6, gt=0)
    """Added to the variance inside the norms."""
    embedding_norm: bool = False
    """One more norm of the stream right after the embedding."""
    qk_norm: Literal["none", "before_rope", "after_rope"] = "before_rope"
    """RMSNorm of queries and keys, per head: before RoPE with a gain (Qwen3), or after
    it without one (nanochat). true and false stand for before_rope and none."""
    qk_scale: float = Field(default=1.0, gt=0)
    """Queries and keys times this after a norm without a gain (nanochat: 1.2)."""
    mlp: Literal["swiglu", "gelu", "gelu_exact", "relu2"] = "swiglu"
    """Kind of feed-forward network; gelu in its tanh form as GPT-2 has it."""
    bias: bool = False
    """Biases in all linear layers but head, router and experts, and in LayerNorm."""
    tied: bool = False
    """The head shares its weight with the token embedding."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the embedding's and each sub-layer's output that training drops."""
    attention_window: int | None = Field(default=None, ge=1)
    """Tokens that a windowed layer looks at, itself included; None: all."""
    window_pattern: str = Field(default="SSSL", pattern="^[SL]+$")
    """Which layers have the window (S) and which look at all (L), repeated over the
    layers; the last layer is L unless the pattern holds no L at all."""
    logit_softcap: float | None = Field(default=None, gt=0)
    """Logits become c · tanh(logits / c); None leaves them."""
    value_embeddings: Literal["none", "alternate"] = "none"
    """A gated table of values by token in every second layer, the last included."""
    residual_scalars: bool = False
    """Two learned scalars a layer: x ← a · x + b · (embedding), before each block."""
    n_experts: int | None = Field(default=None, ge=2)
    """Feed-forward networks that a router chooses from; None: one, no router."""
    n_experts_per_token: int = Field(default=2, ge=1)
    """How many of them a token goes through."""
    n_shared_experts: int = Field(default=0, ge=0)
    """Experts' widths that every token goes through besides, as one network."""
    d_expert: int | None = Field(default=None, ge=1)
    """Width inside an expert; None: d_ff shared out among those that a token meets."""
    router: Literal["sigmoid", "softmax"] = "sigmoid"
    """Scores of the experts: each by itself (DeepSeek-V3), or against each other."""
    router_scale: float = Field(default=1.0, gt=0)
    """The chosen experts' weights sum to this."""
    output_init: Literal["zero", "scaled"] = "zero"
    """Initial output projections of pre-norm blocks: 0, or N(0, 1/fan_in) / √(2L)."""
    embedding_std: float = Field(default=0.02, gt=0)
    """Standard deviation of the initial embeddings."""
    head_std: float = Field(default=0.02, ge=0)
    """Standard deviation of an untied head's initial weights."""

    @field_validator("qk_norm", mode="before")
    @classmethod
    def _name_qk_norm(cls, value: object) -> object:
        if isinstance(value, bool):
            return "before_rope" if value else "none"
        return value

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
        if self.rope_scaling != "none" and self.position != "rope":
            raise ValueError(
                f"rope_scaling = {self.rope_scaling!r} needs position = 'rope'"
            )
        if self.qk_scale != 1 and self.qk_norm != "after_rope":
            raise ValueError(f"qk_scale = {self.qk_scale} needs qk_norm = 'after_rope'")
        if self.n_experts is not None and self.n_experts_per_token > self.n_experts:
            raise ValueError(
                f"n_experts_per_token = {self.n_experts_per_token} exceeds "
                f"n_experts = {self.n_experts}"
            )
        return self

    def window(self, layer: int) -> int | None:
        """Tokens that a layer looks at, itself included; None: all."""
        pattern = self.window_pattern
        is_last = layer == self.n_layers - 1
        is_full = pattern[layer % len(pattern)] == "L" or (is_last and "L" in pattern)
        return None if is_full else self.attention_window

    def has_value_embedding(self, layer: int) -> bool:
        """Whether a layer adds a table of values: the last, and every second before."""
        is_one = (self.n_layers - 1 - layer) % 2 == 0
        return self.value_embeddings == "alternate" and is_one

    @property
    def expert_width(self) -> int:
        """Width inside one expert."""
        n_met = self.n_experts_per_token + self.n_shared_experts
        return self.d_expert or max(self.d_ff // n_met, 1)

    @property
    def original_context(self) -> int:
        """The context before rope_scaling, in tokens."""
        scaled = max(round(self.context_length / self.rope_factor), 1)
        return self.rope_original_context or scaled

    @property
    def n_parameters(self) -> int:
        """Exact number of trainable parameters; a tied head counts once."""
        return count_parameters(self).total

    @property
    def value_gate_width(self) -> int:
        """Channels of the stream that open the gate of a value embedding."""
        return min(VALUE_GATE_WIDTH, self.d_model)
