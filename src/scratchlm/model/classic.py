"""The classic guide's model: its class, its signature, its parameter names.

A classic model is one setting of our `Transformer`: learned positions, LayerNorm,
GELU (tanh), biases everywhere but in the head, head tied to the embedding.

    classic                          ours
    transformer.wte                  embed_tokens
    transformer.wpe                  embed_positions
    transformer.h.i.ln_1             layers.i.input_layernorm
    transformer.h.i.c_attn           layers.i.self_attn.{q,k,v}_proj, stacked by rows
    transformer.h.i.c_proj           layers.i.self_attn.o_proj
    transformer.h.i.ln_2             layers.i.post_attention_layernorm
    transformer.h.i.c_fc             layers.i.mlp.up_proj
    transformer.h.i.c_out            layers.i.mlp.down_proj
    transformer.ln_f                 norm
    lm_head                          lm_head, tied to embed_tokens

Axes: B batch, T tokens, C channels, V vocabulary.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from scratchlm.base.atomic import atomic_path
from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_tensors, save_model

_OUTSIDE = {
    "transformer.wte": "embed_tokens",
    "transformer.wpe": "embed_positions",
    "transformer.ln_f": "norm",
}
_INSIDE = {
    "ln_1": "input_layernorm",
    "c_proj": "self_attn.o_proj",
    "ln_2": "post_attention_layernorm",
    "c_fc": "mlp.up_proj",
    "c_out": "mlp.down_proj",
}
_STACKED = tuple(f"self_attn.{part}_proj" for part in "qkv")
_CLASSIC = {ours: classic for classic, ours in (_OUTSIDE | _INSIDE).items()}

CHECK_TOLERANCE = 1e-5
"""Largest difference of a logit from those that a file carries for checking."""


class LLMConfig(Config):
    """The classic guide's configuration, under its own names."""

    vocab_size: int
    """Number of tokens."""
    hidden_size: int
    """Channels of the residual stream; the MLP is four times as wide."""
    max_position_embeddings: int
    """Longest context, one learned vector a place."""
    num_hidden_layers: int
    """Number of blocks."""
    num_attention_heads: int
    """Heads of each block; they divide `hidden_size`."""
    layer_norm_epsilon: float = 1e-5
    """Added to the variance in every LayerNorm."""


class CustomLanguageModel(nn.Module):
    """`Transformer` behind the classic signature and the classic parameter names.

    `state_dict()` and `load_state_dict()` speak the classic names.
    """

    def __init__(self, config: LLMConfig) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(build_classic_config(config))
        self.register_state_dict_post_hook(_rename_out)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_rename_in)  # type: ignore[no-untyped-call]

    def forward(
        self, idx: Tensor, targets: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Predict the next token at every place.

        Args:
            idx: tokens (B, T).
            targets: next tokens (B, T), of any strides, or None.

        Returns:
            Logits (B, T, V), and the mean cross-entropy in nats or None.
        """
        logits = self.transformer(idx)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.reshape(-1))


def build_classic_config(config: LLMConfig, d_ff: int | None = None) -> ModelConfig:
    """Translate the classic configuration into ours."""
    return ModelConfig(
        vocab_size=config.vocab_size,
        context_length=config.max_position_embeddings,
        n_layers=config.num_hidden_layers,
        n_heads=config.num_attention_heads,
        n_kv_heads=config.num_attention_heads,
        d_model=config.hidden_size,
        d_ff=4 * config.hidden_size if d_ff is None else d_ff,
        d_head=config.hidden_size // config.num_attention_heads,
        position="learned",
        norm="layernorm",
        norm_placement="pre",
        mlp="gelu",
        qk_norm="none",
        bias=True,
        tied=True,
        norm_epsilon=config.layer_norm_epsilon,
    )


def from_classic(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename classic weights (or gradients) to ours; `c_attn` is cut into three.

    Raises:
        UserError: a name that is not a classic one.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        block = re.fullmatch(r"transformer\.h\.(\d+)\.(\w+)", module)
        if block and block[2] == "c_attn":
            parts = zip(_STACKED, tensor.chunk(3), strict=True)
            prefix = f"layers.{block[1]}"
            renamed |= {f"{prefix}.{ours}.{kind}": part for ours, part in parts}
        elif block and block[2] in _INSIDE:
            renamed[f"layers.{block[1]}.{_INSIDE[block[2]]}.{kind}"] = tensor
        elif module in _OUTSIDE:
            renamed[f"{_OUTSIDE[module]}.{kind}"] = tensor
        elif name == "lm_head.weight":
            renamed[name] = tensor
        else:
            raise UserError(f"{name!r} is not a parameter of the classic model")
    return renamed


def to_classic(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename our weights (or gradients) to the classic names.

    The three projections are stacked (3 C, C); `lm_head.weight` repeats the
    embedding, to which it is tied.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        layer, inner = _split_layer(name)
        module, _, kind = inner.rpartition(".")
        if module == _STACKED[0]:
            stack = [tensors[f"layers.{layer}.{part}.{kind}"] for part in _STACKED]
            renamed[f"transformer.h.{layer}.c_attn.{kind}"] = torch.cat(stack)
        elif module in _CLASSIC:
            prefix = "" if layer is None else f"transformer.h.{layer}."
            renamed[f"{prefix}{_CLASSIC[module]}.{kind}"] = tensor
    if "transformer.wte.weight" in renamed:
        renamed["lm_head.weight"] = renamed["transformer.wte.weight"]
    return renamed


def load_classic(path: Path, n_heads: int | None = None) -> Transformer:
    """Read a classic weight file (safetensors) into our `Transformer`, in eval mode.

    The shape is read from the tensors. The number of heads is not in them: it comes
    from `n_heads`, from the file's metadata (`save_classic` writes it), or from the
    file's own check (`check.tokens`, `check.logits`), which is always held against
    the model that was read.

    Raises:
        UserError: no classic weights, heads unknown, or a check that fails.
    """
    tensors, known = _read(path)
    check = {k: tensors.pop(k) for k in list(tensors) if k.startswith("check.")}
    _refuse_untied(path, tensors)
    heads = n_heads if n_heads is not None else known.get("num_attention_heads")
    width = tensors["transformer.wte.weight"].shape[1]
    candidates = [heads] if heads else _divisors(width) if check else []
    models = {n: _build(path, tensors, known, n) for n in candidates}
    errors = {n: _check_error(model, check) for n, model in models.items()}
    if not errors or min(errors.values()) > CHECK_TOLERANCE:
        raise UserError(_explain(path, errors))
    return models[min(errors, key=errors.__getitem__)]


def save_classic(model: Transformer, path: Path) -> None:
    """Write a model's weights under the classic names, with its configuration.

    Raises:
        UserError: the model is not of the classic shape.
    """
    config = model.config
    llm = LLMConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.d_model,
        max_position_embeddings=config.context_length,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        layer_norm_epsilon=config.norm_epsilon,
    )
    if build_classic_config(llm, config.d_ff) != config:
        raise UserError("the classic names hold only the classic shape of model")
    tensors = {k: v.contiguous().clone() for k, v in to_classic(_state(model)).items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {"config": llm.model_dump_json()})


def import_classic(path: Path, directory: Path, n_heads: int | None = None) -> None:
    """Read a classic weight file and write it as our model directory."""
    save_model(load_classic(path, n_heads), directory)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is not a safetensors file: {error}") from None
    if "transformer.wte.weight" not in tensors:
        raise UserError(
            f"{path} holds no classic model: transformer.wte.weight is missing"
        )
    return tensors, json.loads(metadata.get("config", "{}"))


def _refuse_untied(path: Path, tensors: Mapping[str, Tensor]) -> None:
    head = tensors.get("lm_head.weight")
    if head is not None and not torch.equal(head, tensors["transformer.wte.weight"]):
        raise UserError(f"{path}: lm_head differs from transformer.wte, so is not tied")


def _build(
    path: Path, tensors: Mapping[str, Tensor], known: Mapping[str, Any], n_heads: int
) -> Transformer:
    names = [re.match(r"transformer\.h\.(\d+)\.c_fc\.weight", name) for name in tensors]
    layers = [int(match[1]) for match in names if match]
    if not layers or "transformer.wpe.weight" not in tensors:
        raise UserError(f"{path} holds no classic model: blocks or wpe are missing")
    llm = LLMConfig(
        vocab_size=tensors["transformer.wte.weight"].shape[0],
        hidden_size=tensors["transformer.wte.weight"].shape[1],
        max_position_embeddings=tensors["transformer.wpe.weight"].shape[0],
        num_hidden_layers=max(layers) + 1,
        num_attention_heads=n_heads,
        layer_norm_epsilon=known.get("layer_norm_epsilon", 1e-5),
    )
    d_ff = tensors["transformer.h.0.c_fc.weight"].shape[0]
    model = Transformer(build_classic_config(llm, d_ff))
    load_tensors(model, from_classic(tensors), str(path))
    return model.eval()


def _check_error(model: Transformer, check: Mapping[str, Tensor]) -> float:
    if "check.tokens" not in check or "check.logits" not in check:
        return 0.0
    expected = check["check.logits"]
    with torch.no_grad():
        logits = model(check["check.tokens"][:, : expected.shape[1]])
    return float((logits - expected).abs().max())


def _explain(path: Path, errors: Mapping[int, float]) -> str:
    if not errors:
        return f"{path} does not say how many attention heads it has: give --heads N"
    heads, error = min(errors.items(), key=lambda item: item[1])
    return (
        f"{path}: logits differ by {error:.2g} from the file's own check "
        f"({heads} heads): it is damaged, or was made with other settings"
    )


def _divisors(width: int) -> list[int]:
    return [n for n in range(1, width + 1) if width % n == 0]


def _split_layer(name: str) -> tuple[str | None, str]:
    match = re.fullmatch(r"layers\.(\d+)\.(.+)", name)
    return (match[1], match[2]) if match else (None, name)


def _state(model: Transformer) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def _rename_out(
    module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]
) -> None:
    """Rename in place what `state_dict` gathered under this module's prefix."""
    own = f"{prefix}transformer."
    found = {
        k.removeprefix(own): state.pop(k) for k in list(state) if k.startswith(own)
    }
    state.update({prefix + k: v for k, v in to_classic(found).items()})


def _rename_in(
    module: nn.Module, state: dict[str, Any], prefix: str, *rest: object
) -> None:
    """Rename in place what `load_state_dict` was given for this module."""
    found = {
        k.removeprefix(prefix): state.pop(k)
        for k in list(state)
        if k.startswith(prefix)
    }
    ours = from_classic(found)
    if "embed_tokens.weight" in ours:
        ours.setdefault("lm_head.weight", ours["embed_tokens.weight"])
    state.update({f"{prefix}transformer.{k}": v for k, v in ours.items()})
