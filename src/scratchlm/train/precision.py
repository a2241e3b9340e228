"""bfloat16 and float16 training with float32 master weights, without autocast.

The blocks' matrices are held once in the narrow type, for the products, and once in
float32, for the optimizer. The copy is refreshed after each step; gradients are moved
to float32 after each backward pass and added there. Embeddings, head and norms stay in
float32: a scatter-add in bfloat16 loses frequent tokens.
"""

import torch
from torch import Tensor

from scratchlm.model.transformer import Transformer


class MasterWeights:
    """The float32 parameters that an optimizer moves, whatever the model computes in.

    In float32 the masters are the model's own parameters and everything is free.
    """

    def __init__(self, model: Transformer, dtype: torch.dtype) -> None:
        self.model = model
        self.masters: dict[str, Tensor] = {}
        self._copies: dict[str, Tensor] = {}
        for name, parameter in model.named_parameters():
            if dtype != torch.float32 and _is_block_matrix(name, parameter):
                self.masters[name] = parameter.detach().clone()
                parameter.data = parameter.data.to(dtype)
                self._copies[name] = parameter
            else:
                self.masters[name] = parameter
        model.compute_dtype = dtype

    def collect_gradients(self) -> None:
        """Move the copies' gradients to their masters, adding to what is there."""
        for name, parameter in self._copies.items():
            if parameter.grad is None:
                continue
            master = self.masters[name]
            if master.grad is None:
                master.grad = parameter.grad.float()
            else:
                master.grad += parameter.grad
            parameter.grad = None

    def gradients(self) -> list[Tensor]:
        """The gradients of all masters that have one."""
        return [m.grad for m in self.masters.values() if m.grad is not None]

    def drop_gradients(self) -> None:
        """Forget all gradients."""
        for master in self.masters.values():
            master.grad = None

    @torch.no_grad()
    def refresh(self) -> None:
        """Write the masters' values into the copies."""
        copies = list(self._copies.values())
        if copies:
            torch._foreach_copy_(copies, [self.masters[name] for name in self._copies])

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Copy saved masters back in."""
        for name, master in self.masters.items():
            master.copy_(tensors[name])
        self.refresh()

    @torch.no_grad()
    def release(self) -> None:
        """Put float32 weights back into the model and end low precision."""
        for name, parameter in self._copies.items():
            parameter.data = self.masters[name].detach().clone()
        self._copies.clear()
        self.model.compute_dtype = torch.float32


def _is_block_matrix(name: str, parameter: Tensor) -> bool:
    return name.startswith("layers.") and parameter.dim() >= 2
