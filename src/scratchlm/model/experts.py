"""Mixture of experts: a router sends each token through few of many networks.

Axes: n tokens in a row, C channels, N experts, E inner channels of one, k experts a
token. Router and balancing as DeepSeek-V3 (2024) has them: scores by a sigmoid (or by
a softmax, as Mixtral), the k best chosen, their scores brought to a sum; no auxiliary
loss: a bias is added to the scores for the choice alone, and after each step it goes up
for experts that had too few tokens and down for those that had too many. No token is
dropped, so that a row knows nothing of its neighbours.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from scratchlm.model.config import ModelConfig
from scratchlm.model.mlp import MLP, gated_activation, plain_activation


class MixtureOfExperts(nn.Module):
    """The feed-forward network of a block, in the place of an `MLP`.

    Attributes:
        router_bias: (N,) float32, a buffer that is saved; only the choice sees it.
        expert_load: (N,) int64, tokens of each expert since the last update; counted
            in training mode only.
    """

    router_bias: Tensor
    expert_load: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        assert config.n_experts is not None
        self.config = config
        n_experts, width, inner = config.n_experts, config.d_model, config.expert_width
        self.router = nn.Linear(width, n_experts, bias=False)
        if config.mlp == "swiglu":
            self.gate_proj = _stack(n_experts, inner, width)
        self.up_proj = _stack(n_experts, inner, width)
        self.down_proj = _stack(n_experts, width, inner)
        if config.n_shared_experts:
            shared = {"d_ff": config.n_shared_experts * inner, "bias": False}
            self.shared_expert = MLP(config.model_copy(update=shared))
        self.register_buffer("router_bias", torch.zeros(n_experts))
        load = torch.zeros(n_experts, dtype=torch.int64)
        self.register_buffer("expert_load", load, persistent=False)

    def forward(self, x: Float[Tensor, "*rows C"]) -> Float[Tensor, "*rows C"]:
        """Send each token through its experts and the shared one."""
        flat = x.reshape(-1, x.shape[-1])  # (n, C)
        chosen, weights = self.route(flat)
        if self.training:
            self.expert_load += chosen.flatten().bincount(minlength=len(self.up_proj))
        mixed = self._mix(flat, chosen, weights.to(x.dtype)).view(x.shape)
        if self.config.n_shared_experts:
            mixed = mixed + self.shared_expert(x)
        return mixed

    def route(
        self, x: Float[Tensor, "n C"]
    ) -> tuple[Int[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Which experts each token goes through, and how much each counts, float32."""
        logits = x.float() @ self.router.weight.float().t()  # (n, N)
        is_alone = self.config.router == "sigmoid"
        scores = torch.sigmoid(logits) if is_alone else torch.softmax(logits, -1)
        k = self.config.n_experts_per_token
        chosen = (scores.detach() + self.router_bias).topk(k, -1).indices
        weights = scores.gather(1, chosen)
        if k > 1:  # a lone expert's weight says how sure the router was
            weights = weights / weights.sum(-1, keepdim=True)
        return chosen, weights * self.config.router_scale

    @torch.no_grad()
    def update_bias(self, rate: float) -> None:
        """Move the choice by `rate` towards the experts with few tokens; count anew."""
        load = self.expert_load.float()
        self.router_bias += rate * (load.mean() - load).sign()
        self.expert_load.zero_()

    def _mix(self, x: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        """Sort the tokens by expert, apply each to its own, put them back."""
        n_tokens, k = chosen.shape
        order = chosen.flatten().argsort(stable=True)  # (n·k,), expert by expert
        sizes = chosen.flatten().bincount(minlength=len(self.up_proj)).tolist()
        copies = x.unsqueeze(1).expand(-1, k, -1).reshape(n_tokens * k, -1)
        parts = copies[order].split(sizes)
        each = map(self._each, ("gate_proj", "up_proj", "down_proj"))
        experts = zip(parts, *each, strict=True)
        applied = torch.cat([self._apply_one(*inputs) for inputs in experts])
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        outputs = applied[back].unflatten(0, (n_tokens, k))  # (n, k, C)
        return torch.einsum("nkc,nk->nc", outputs, weights)

    def _each(self, name: str) -> tuple[Tensor | None, ...]:
        """One matrix an expert; none of the gates where there is no gate."""
        if name == "gate_proj" and self.config.mlp != "swiglu":
            return (None,) * len(self.up_proj)
        return tuple(self.get_parameter(name).unbind(0))

    def _apply_one(
        self, h: Tensor, gate: Tensor | None, up: Tensor, down: Tensor
    ) -> Tensor:
        wide = h @ up.to(h.dtype).t()
        if gate is None:
            inner = plain_activation(wide, self.config.mlp)
        else:
            inner = gated_activation(h @ gate.to(h.dtype).t(), wide)
        return inner @ down.to(h.dtype).t()


def _stack(n_experts: int, n_rows: int, n_columns: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(n_experts, n_rows, n_columns))
