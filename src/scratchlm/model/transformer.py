"""The transformer: tokens → logits.

Axes: B batch, T tokens, C channels, V vocabulary, S keys. Parameters carry the names
of Llama-shaped checkpoints.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from scratchlm.base.errors import UserError
from scratchlm.model.activations import estimate_activation_bytes
from scratchlm.model.attention import Attention, Cache
from scratchlm.model.block import Block
from scratchlm.model.config import ModelConfig
from scratchlm.model.counts import (
    ParameterCount,
    count_kv_bytes_per_token,
    count_parameters,
    estimate_training_flops,
)
from scratchlm.model.experts import MixtureOfExperts
from scratchlm.model.init import draw_parameter
from scratchlm.model.loss import chunked_cross_entropy, softcapped, token_log_probs
from scratchlm.model.mask import document_mask, near_mask, window_mask
from scratchlm.model.norm import build_norm
from scratchlm.model.position import build_rotary


class Transformer(nn.Module):
    """A decoder-only language model, switched by its config.

    Under `torch.device("meta")` it allocates nothing; after `.to_empty(device=…)`,
    `reset_buffers()` and `reset_parameters(seed)` or loaded weights make it whole.

    Attributes:
        compute_dtype: of the residual stream.
        recompute: in training, keep each block's input alone and compute the rest
            again in the backward pass.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.compute_dtype = torch.float32
        self.recompute = False
        self.embed_tokens = _table(config.vocab_size, config.d_model)
        if config.position == "learned":
            self.embed_positions = _table(config.context_length, config.d_model)
        if config.embedding_norm:
            self.embedding_norm = build_norm(config)
        if config.value_embeddings != "none":
            self.value_embeddings = _value_tables(config)
        if config.residual_scalars:
            self.residual_scales = nn.Parameter(torch.empty(config.n_layers))
            self.embedding_scales = nn.Parameter(torch.empty(config.n_layers))
        self.layers = nn.ModuleList(
            Block(config, layer) for layer in range(config.n_layers)
        )
        self.norm = (
            build_norm(config) if config.norm_placement == "pre" else nn.Identity()
        )
        self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.lm_head.weight = self.embed_tokens.weight
        half = config.context_length, config.d_head // 2
        self.register_buffer("cos", torch.empty(half), persistent=False)
        self.register_buffer("sin", torch.empty(half), persistent=False)
        if not self.embed_tokens.weight.is_meta:
            self.reset_buffers()
            self.reset_parameters()

    def reset_parameters(self, seed: int | None = None) -> None:
        """Draw the initial weights (`init` says from what).

        Without a seed from torch's global generator, one parameter after the other.
        With one, each from a generator of its own name: the same weights on any
        device, in any order, from the meta device or not.
        """
        for name, parameter in self.named_parameters():
            draw_parameter(self.config, name, parameter, seed)

    @torch.no_grad()
    def reset_buffers(self) -> None:
        """Fill what is no parameter: rotary tables; routers without a bias."""
        if self.config.position == "rope":
            cos, sin = build_rotary(self.config)
            self.cos.copy_(cos)
            self.sin.copy_(sin)
        for experts in self._mixtures():
            experts.router_bias.zero_()
            experts.expert_load.zero_()

    def forward(
        self,
        tokens: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"] | None = None,
        *,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
        doc_ids: Int[Tensor, "B T"] | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, T, V); with targets, (logits, mean cross-entropy)."""
        hidden = self.hidden(
            tokens, cache=cache, mask=mask, positions=positions, doc_ids=doc_ids
        )
        logits = self.logits(hidden)
        if targets is None:
            return logits
        flat = logits.flatten(0, 1).float()
        return logits, F.cross_entropy(flat, targets.reshape(-1))

    def hidden(
        self,
        tokens: Int[Tensor, "B T"],
        *,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
        key_positions: Int[Tensor, "B S"] | None = None,
        doc_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """The residual stream after the last norm.

        Args:
            tokens: ids.
            cache: of the tokens before; the new ones are added to it.
            mask: says where each new token may look; None: the causal rule.
            positions: place of each token; None: 0, 1, … after the cached ones.
            key_positions: of the cached and the new tokens, where a cache holds rows
                of different lengths; windows go by them. None: as they stand.
            doc_ids: tokens see those of their own document (0: padding); no cache.

        Raises:
            UserError: a position beyond the context length.
        """
        start = cache.length if cache is not None else 0
        if positions is None:
            self._check_length(start + tokens.shape[1])
        if doc_ids is not None:
            assert mask is None and cache is None, "documents need no other mask"
            mask = document_mask(doc_ids)
        windowed = self._windowed(mask, positions, key_positions)
        rotary = self._rotary(start, tokens.shape[1], positions)
        x = first = self._embed(start, tokens, positions)
        for layer, block in enumerate(self.layers):
            if self.config.residual_scalars:
                x = self.residual_scales[layer] * x
                x = x + self.embedding_scales[layer] * first
            visible = mask if self.config.window(layer) is None else windowed
            values = self._values(layer, tokens)
            if self.recompute and torch.is_grad_enabled():
                inputs = x, rotary, cache, visible, values
                x = checkpoint(block, *inputs, use_reentrant=False)
            else:
                x = block(x, rotary, cache, visible, values)
        return self.norm(x)  # type: ignore[no-any-return]

    def logits(self, hidden: Float[Tensor, "*rows C"]) -> Float[Tensor, "*rows V"]:
        """Project the residual stream onto the vocabulary."""
        weight = self.lm_head.weight.to(self.compute_dtype)
        return softcapped(hidden @ weight.t(), self.config.logit_softcap)

    def loss(
        self,
        tokens: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"],
        loss_mask: Bool[Tensor, "B T"] | None = None,
        n_counted: int | None = None,
        *,
        doc_ids: Int[Tensor, "B T"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
        z_loss: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Mean cross-entropy over the counted tokens, without full logits.

        `n_counted` replaces the number of counted tokens as divisor: that of a whole
        accumulation window makes 4 × 1 equal to 1 × 4. `z_loss` weighs log²Σe^z.
        """
        counted = (
            torch.ones_like(targets, dtype=torch.bool)
            if loss_mask is None
            else loss_mask
        )
        divisor = n_counted if n_counted is not None else int(counted.sum())
        row_weights = counted.flatten().float() / max(divisor, 1)
        hidden = self.hidden(tokens, doc_ids=doc_ids, positions=positions)
        return chunked_cross_entropy(
            hidden.flatten(0, 1),
            self.lm_head.weight,
            targets.flatten(),
            row_weights,
            softcap=self.config.logit_softcap,
            z_loss=z_loss,
        )

    def log_probs(
        self,
        tokens: Int[Tensor, "B T"],
        targets: Int[Tensor, "B T"],
        *,
        doc_ids: Int[Tensor, "B T"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T"]:
        """Log-probability of each target, float32, differentiable."""
        hidden = self.hidden(tokens, doc_ids=doc_ids, positions=positions).flatten(0, 1)
        cap = self.config.logit_softcap
        log_p = token_log_probs(
            hidden, self.lm_head.weight, targets.flatten(), softcap=cap
        )
        return log_p.view(targets.shape)

    def count_parameters(self) -> ParameterCount:
        """Exact parameters by part, without looking at them."""
        return count_parameters(self.config)

    def estimate_flops(self, context_length: int | None = None) -> float:
        """FLOPs of one training token in rows of that length."""
        return estimate_training_flops(self.config, context_length)

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes that a cache in the compute type keeps of each token."""
        return count_kv_bytes_per_token(self.config, self.compute_dtype.itemsize)

    def estimate_activation_bytes(self, n_tokens: int, context_length: int) -> int:
        """Bytes that the backward pass keeps, as the model computes now."""
        kernels = {m.kernel for m in self.modules() if isinstance(m, Attention)}
        return estimate_activation_bytes(
            self.config,
            n_tokens,
            context_length=context_length,
            bytes_per_number=self.compute_dtype.itemsize,
            kernel="products" if "products" in kernels else "sdpa",
            checkpointing=self.recompute,
        )

    def use_attention(self, kernel: str) -> None:
        """Choose how training attends: "products" or "sdpa"."""
        for module in self.modules():
            if isinstance(module, Attention):
                module.kernel = kernel

    def update_router_bias(self, rate: float) -> None:
        """Balance the experts after an optimizer step; nothing to do without any.

        Each expert's bias moves by `rate` towards equal loads (DeepSeek-V3: 0.001),
        by the tokens counted since the last call.
        """
        for experts in self._mixtures():
            experts.update_bias(rate)

    def forget_router_load(self) -> None:
        """Count the experts' tokens anew: a step was not taken."""
        for experts in self._mixtures():
            experts.expert_load.zero_()

    def router_biases(self) -> dict[str, Tensor]:
        """What training moves besides the parameters, by name; not copied."""
        names = {id(experts.router_bias) for experts in self._mixtures()}
        return {name: b for name, b in self.named_buffers() if id(b) in names}

    def _apply(
        self, fn: Callable[[Tensor], Tensor], recurse: bool = True
    ) -> "Transformer":
        """Keep a tied head tied, also on the way from the meta device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.config.tied:
            self.lm_head.weight = self.embed_tokens.weight
        return self

    def _mixtures(self) -> Iterator[MixtureOfExperts]:
        return (m for m in self.modules() if isinstance(m, MixtureOfExperts))

    def _embed(self, start: int, tokens: Tensor, positions: Tensor | None) -> Tensor:
        x = self.embed_tokens(tokens)
        if self.config.position == "learned":
            x = x + self.embed_positions(
                _places(start, tokens) if positions is None else positions
            )
        x = x.to(self.compute_dtype)
        if self.config.embedding_norm:
            x = self.embedding_norm(x)
        if self.config.dropout:
            x = F.dropout(x, self.config.dropout, self.training)
        return x  # type: ignore[no-any-return]

    def _values(self, layer: int, tokens: Tensor) -> Tensor | None:
        if not self.config.has_value_embedding(layer):
            return None
        table = self.value_embeddings.get_submodule(str(layer))
        return table(tokens).to(self.compute_dtype)  # type: ignore[no-any-return]

    def _windowed(
        self, mask: Tensor | None, positions: Tensor | None, keys: Tensor | None
    ) -> Tensor | None:
        """The mask of windowed layers; None leaves the window to the layer."""
        window = self.config.attention_window
        if mask is None or window is None:
            return None
        if positions is not None and keys is not None:
            return mask & near_mask(positions, keys, window)
        return mask & window_mask(*mask.shape[2:], window, mask.device)

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


def _table(n_rows: int, width: int) -> nn.Embedding:
    """An embedding that draws nothing: torch's own drawing, on the meta device, would
    import its compiler, seconds for every process that loads a model."""
    return nn.Embedding(n_rows, width, _weight=torch.empty(n_rows, width))


def _value_tables(config: ModelConfig) -> nn.ModuleDict:
    width = config.n_kv_heads * config.d_head
    layers = filter(config.has_value_embedding, range(config.n_layers))
    return nn.ModuleDict(
        {str(layer): _table(config.vocab_size, width) for layer in layers}
    )


def _places(start: int, tokens: Tensor) -> Tensor:
    return torch.arange(start, start + tokens.shape[1], device=tokens.device)
