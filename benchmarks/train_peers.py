"""Trainers that ours is measured against: checkouts of known commits.

    git clone https://github.com/karpathy/nanoGPT && git -C nanoGPT checkout 3adf61e

They are read where they lie, unchanged; nothing of them is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tokenizer_peers import FOLDER

if TYPE_CHECKING:
    from scratchlm.model.config import ModelConfig

COMPILED = FOLDER / "compiled"
COMMITS = {
    "karpathy/nanoGPT": "3adf61e154c3fe3fca428ad6bc3818b27a3b8291",
    "karpathy/nanochat": "92d63d4",
}
ADAMW = {"learning_rate": 6e-4, "beta1": 0.9, "beta2": 0.95, "weight_decay": 0.1}
"""nanoGPT's defaults (its train.py)."""


def check_checkout(folder: Path, repository: str) -> str:
    """The commit of a peer's checkout.

    Raises:
        SystemExit: it is another one, or the folder is none.
    """
    wanted = COMMITS[repository]
    how = (
        f"git clone https://github.com/{repository} {folder} && "
        f"git -C {folder} checkout {wanted}"
    )
    command = [
        "git",
        "-C",
        str(folder),
        "describe",
        "--always",
        "--dirty=+",
        "--abbrev",
    ]
    done = subprocess.run(
        [*command[:-1], "--abbrev=40"], capture_output=True, text=True
    )
    found = done.stdout.strip()
    if done.returncode or not found.startswith(wanted) or found.endswith("+"):
        sys.exit(
            f"{folder} is {found or 'no checkout'}, not {wanted}; get it by: {how}"
        )
    return found


def compiler_environment() -> dict[str, str]:
    """This environment, with a folder of its own for what torch compiles."""
    return {"TORCHINDUCTOR_CACHE_DIR": str(COMPILED), **os.environ}


def remove_torn() -> None:
    """Delete what a killed compiler left unfinished: it would stop all later runs."""
    for path in COMPILED.rglob("*.so"):
        if path.stat().st_size == 0:
            path.unlink()


def build_nanogpt(folder: Path, config: ModelConfig, seed: int = 0) -> Any:
    """nanoGPT's model of a GPT-2-shaped config's sizes, its own initial weights."""
    sys.path.insert(0, str(folder))
    from model import GPT, GPTConfig  # its model.py

    torch.manual_seed(seed)
    return GPT(
        GPTConfig(
            block_size=config.context_length,
            vocab_size=config.vocab_size,
            n_layer=config.n_layers,
            n_head=config.n_heads,
            n_embd=config.d_model,
            dropout=0.0,
            bias=config.bias,
        )
    )


def gpt2_config(
    n_layers: int, d_model: int, n_heads: int, vocab_size: int, context_length: int
) -> ModelConfig:
    """nanoGPT's model in our words: GPT-2's block without biases, a tied head."""
    from scratchlm.model.config import ModelConfig

    return ModelConfig.model_validate(
        {
            "vocab_size": vocab_size,
            "context_length": context_length,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "n_kv_heads": n_heads,
            "d_model": d_model,
            "d_ff": 4 * d_model,
            "position": "learned",
            "norm": "layernorm",
            "norm_epsilon": 1e-5,
            "mlp": "gelu_exact",
            "qk_norm": False,
            "tied": True,
        }
    )


def our_weights(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """nanoGPT's weights under our names; its q, k and v come apart."""
    ours = {
        "embed_tokens.weight": theirs["transformer.wte.weight"],
        "embed_positions.weight": theirs["transformer.wpe.weight"],
        "norm.weight": theirs["transformer.ln_f.weight"],
        "lm_head.weight": theirs["lm_head.weight"],
    }
    names = {
        "ln_1": "input_layernorm",
        "attn.c_proj": "self_attn.o_proj",
        "ln_2": "post_attention_layernorm",
        "mlp.c_fc": "mlp.up_proj",
        "mlp.c_proj": "mlp.down_proj",
    }
    n_layers = 1 + max(int(k.split(".")[2]) for k in theirs if ".h." in k)
    for layer in range(n_layers):
        own, peer = f"layers.{layer}", f"transformer.h.{layer}"
        fused = theirs[f"{peer}.attn.c_attn.weight"].chunk(3)  # (3 C, C)
        for part, weight in zip("qkv", fused, strict=True):
            ours[f"{own}.self_attn.{part}_proj.weight"] = weight.contiguous()
        for name, our_name in names.items():
            ours[f"{own}.{our_name}.weight"] = theirs[f"{peer}.{name}.weight"]
    return ours
