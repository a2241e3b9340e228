"""The transformer: tokens → logits.

Axes: B batch, T tokens, C channels, V vocabulary, S keys. Parameters carry the names
of Llama-shaped checkpoints.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from scratchlm.base.errors import UserError
from scratchlm.model.attention import Attention, Cache
from scratchlm.model.block import Block
from scratchlm.model.config import ModelConfig
from scratchlm.model.loss import chunked_cross_entropy, token_log_probs
from scratchlm.model.norm import build_norm
from scratchlm.model.position import rotary_table


class Transformer(nn.Module):
    """A decoder-only language model, switched by its config."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.compute_dtype = torch.float32
        self.embed_tokens = nn.Embedding(config.vocab_size, config.d_model)
        if config.position == "learned":
            self.embed_positions = nn.Embedding(config.context_length, config.d_model)
        self.layers = nn.ModuleList(
            Block(config, layer) for layer in range(config.n_layers)
        )
        self.norm = (
            build_norm(config) if config.norm_placement == "pre" else nn.Identity()
        )
        self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.lm_head.weight = self.embed_tokens.weight
        cos, sin = rotary_table(config.d_head, config.context_length, config.rope_theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the initial weights from torch's global generator.

        Matrices N(0, 1/fan_in); output projections of pre-norm blocks zero, so that
        each block begins as the identity; embeddings N(0, 0.02²) as GPT-2.
        """
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.dim() == 1:
                parameter.fill_(1.0)
            elif name.startswith(("embed_", "lm_head")):
                parameter.normal_(std=0.02)
            elif self.config.norm_placement == "pre" and _is_output(name):
                parameter.zero_()
            else:
                parameter.normal_(std=1 / math.sqrt(parameter.shape[1]))

    def forward(
        self,
        tokens: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"] | None = None,
        *,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, T, V); with targets, (logits, mean cross-entropy)."""
        hidden = self.hidden(tokens, cache=cache, mask=mask, positions=positions)
        logits = self.logits(hidden)
        if targets is None:
            return logits
        flat = logits.flatten(0, 1).float()
        loss = nn.functional.cross_entropy(flat, targets.reshape(-1))
        return logits, loss

    def hidden(
        self,
        tokens: Int[Tensor, "B T"],
        *,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """The residual stream after the last norm.

        `positions` places each token (default: 0, 1, … after the cached ones);
        `mask` says where each new token may look (default: causal).

        Raises:
            UserError: a position beyond the context length.
        """
        start = cache.length if cache is not None else 0
        if positions is None:
            self._check_length(start + tokens.shape[1])
        x = self.embed_tokens(tokens)
        if self.config.position == "learned":
            x = x + self.embed_positions(
                _places(start, tokens) if positions is None else positions
            )
        x = x.to(self.compute_dtype)
        rotary = self._rotary(start, tokens.shape[1], positions)
        for block in self.layers:
            x = block(x, rotary, cache, mask)
        return self.norm(x)  # type: ignore[no-any-return]

    def logits(self, hidden: Float[Tensor, "*rows C"]) -> Float[Tensor, "*rows V"]:
        """Project the residual stream onto the vocabulary."""
        return hidden @ self._head_weight().t()

    def loss(
        self,
        tokens: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"],
        loss_mask: Bool[Tensor, "B T"] | None = None,
        n_counted: int | None = None,
    ) -> Float[Tensor, ""]:
        """Mean cross-entropy over the counted tokens, without full logits.

        `n_counted` replaces the number of counted tokens as divisor: that of a whole
        accumulation window makes 4 × 1 equal to 1 × 4.
        """
        counted = (
            torch.ones_like(targets, dtype=torch.bool)
            if loss_mask is None
            else loss_mask
        )
        divisor = n_counted if n_counted is not None else int(counted.sum())
        row_weights = counted.flatten().float() / max(divisor, 1)
        hidden = self.hidden(tokens).flatten(0, 1)
        return chunked_cross_entropy(
            hidden, self._head_weight(), targets.flatten(), row_weights
        )

    def log_probs(
        self, tokens: Int[Tensor, "B T"], targets: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T"]:
        """Log-probability of each target, float32, differentiable."""
        hidden = self.hidden(tokens).flatten(0, 1)
        log_p = token_log_probs(hidden, self._head_weight(), targets.flatten())
        return log_p.view(targets.shape)

    def use_attention(self, kernel: str) -> None:
        """Choose how training attends: "products" or "sdpa"."""
        for module in self.modules():
            if isinstance(module, Attention):
                module.kernel = kernel

    def _head_weight(self) -> Tensor:
        return self.lm_head.weight.to(self.compute_dtype)

    def _rotary(
        self, start: int, n_tokens: int, positions: Tensor | None
    ) -> tuple[Tensor, Tensor] | None:
        if self.config.position != "rope":
            return None
        if positions is None:
            return (
                self.cos[start : start + n_tokens],
                self.sin[start : start + n_tokens],
            )
        return self.cos[positions].unsqueeze(1), self.sin[positions].unsqueeze(1)

    def _check_length(self, n_tokens: int) -> None:
        if n_tokens > self.config.context_length:
            raise UserError(
                f"{n_tokens} tokens do not fit the model's context of "
                f"{self.config.context_length}; shorten the text"
            )


def _is_output(name: str) -> bool:
    return name.endswith(("o_proj.weight", "down_proj.weight"))


def _places(start: int, tokens: Tensor) -> Tensor:
    return torch.arange(start, start + tokens.shape[1], device=tokens.device)
