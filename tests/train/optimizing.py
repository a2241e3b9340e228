"""A few named parameters, their gradients, a config: optimizers are tried on them."""

import torch

from scratchlm.train.config import TrainConfig

LEAST = {"total_steps": 1, "batch_size": 1, "micro_batch_size": 1, "context_length": 1}
SHAPES = {
    "embed_tokens.weight": (11, 6),
    "value_embeddings.1.weight": (11, 2),
    "layers.0.self_attn.q_proj.weight": (8, 6),
    "layers.0.self_attn.o_proj.weight": (6, 8),
    "layers.0.mlp.up_proj.weight": (9, 6),
    "layers.0.mlp.down_proj.weight": (6, 9),
    "layers.1.mlp.up_proj": (3, 5, 6),  # experts
    "layers.0.input_layernorm.weight": (6,),
    "layers.0.mlp.up_proj.bias": (9,),
    "residual_scales": (2,),
    "lm_head.weight": (11, 6),
}
RATES = {"matrix_lr": 0.04, "embed_lr": 0.03, "head_lr": 0.02, "vector_lr": 0.01}


def parameters(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.randn(s, generator=generator) for n, s in SHAPES.items()}


def give_gradients(tensors, step):
    generator = torch.Generator().manual_seed(1000 + step)
    for name in SHAPES:
        tensors[name].grad = torch.randn(SHAPES[name], generator=generator)


def build_config(**changes):
    five = {"newton_schulz_steps": 5}  # near enough to orthogonal for laws
    return TrainConfig(**{**LEAST, **RATES, **five, **changes})


def copies(tensors):
    return {name: tensor.clone() for name, tensor in tensors.items()}
