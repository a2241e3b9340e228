"""The optimizer: groups of parameters, each with its rule.

Muon or SOAP for the blocks' matrices and AdamW for embeddings, head, gains and biases,
or AdamW for all.
"""

import torch
from torch import Tensor

from scratchlm.train.adamw import adamw_step
from scratchlm.train.config import TrainConfig
from scratchlm.train.groups import build_groups
from scratchlm.train.muon import muon_step
from scratchlm.train.soap import soap_step


class Optimizer:
    """Moves named parameters; which rule moves which, `groups` says.

    State is a flat mapping of names to float32 tensors, ready for safetensors.

    Args:
        parameters: by name, float32; gradients are read from `.grad`, and a parameter
            without one stays as it is.
        config: rule, rates, decay and the rule's own settings.
        d_head: width of the attention's heads; `muon_split_heads` needs it.
    """

    def __init__(
        self,
        parameters: dict[str, Tensor],
        config: TrainConfig,
        d_head: int | None = None,
    ) -> None:
        self.config = config
        self.d_head = d_head
        self.groups = build_groups(parameters, config)

    @torch.no_grad()
    def step(self, step: int, lr_frac: float) -> None:
        """Apply optimizer step `step` (from 0) at a share of the peak rates."""
        for group in self.groups:
            lr = group.lr * lr_frac
            if group.rule == "muon":
                muon_step(group, self.config, lr, step, self.d_head)
            elif group.rule == "soap":
                soap_step(group, self.config, lr, step)
            else:
                adamw_step(group, self.config, lr, step)

    def state_dict(self) -> dict[str, Tensor]:
        """The state's tensors by name; views, not copies."""
        return {k: v for group in self.groups for k, v in group.state.items()}

    @torch.no_grad()
    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Copy a saved state back in."""
        for name, tensor in self.state_dict().items():
            tensor.copy_(tensors[name])
