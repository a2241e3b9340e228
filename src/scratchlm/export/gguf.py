"""One GGUF file: weights, shape, tokenizer and chat template, as llama.cpp reads them.

Vectors and position tables stay float32; matrices take the type that is asked for.
A row that cannot be cut into blocks of 32 keeps float16. In the 4-bit files the
embedding and the head keep 8 bits, and a model that is quantised already keeps its own
codes: groups of 32 on an asymmetric grid are Q4_1 blocks.
The tokenizer's split must be one that llama.cpp knows by name (see `gguf_values`).
"""

from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError
from scratchlm.export.architecture import (
    Architecture,
    RefusalError,
    choose_architecture,
)
from scratchlm.export.blocks import (
    fits_blocks,
    pack_grid,
    pack_q4_0,
    pack_q4_1,
    pack_q8_0,
)
from scratchlm.export.config import GgufType
from scratchlm.export.layout import Array, complete, gguf_layout, our_names
from scratchlm.export.source import Source
from scratchlm.model.config import ModelConfig
from scratchlm.model.quantized_linear import QuantizedLinear
from scratchlm.tokenizer.gguf_values import add_gguf_values, gguf_values
from scratchlm.tokenizer.tokenizer import Tokenizer

TensorType = Literal["f32", "f16", "q8_0", "q4_0", "q4_1"]

_FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
    "q4_1": gguf.LlamaFileType.MOSTLY_Q4_1,
}
_PACKERS = {"q8_0": pack_q8_0, "q4_0": pack_q4_0, "q4_1": pack_q4_1}


def write_gguf(
    source: Source,
    tokenizer: Tokenizer | None,
    path: Path,
    kind: GgufType = "auto",
    name: str = "scratchlm",
) -> str:
    """Write the file; returns the architecture that it names.

    Raises:
        RefusalError: no architecture of llama.cpp computes what this model computes,
            or its readers would cut texts into other tokens.
    """
    architecture = choose_architecture(source.config)
    if source.config.bias and architecture != "gpt2":
        raise RefusalError("readers of GGUF drop the biases of a Llama: none can stand")
    chosen = choose_gguf_type(kind, source)
    values = {} if tokenizer is None else _tokenizer_values(tokenizer)
    with atomic_path(path) as temporary:
        writer = gguf.GGUFWriter(temporary, architecture)
        _add_shape(writer, source.config, architecture, name, chosen)
        add_gguf_values(writer, values)
        _add_tensors(writer, source, architecture, chosen)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return architecture


def choose_gguf_type(kind: GgufType, source: Source) -> TensorType:
    """Say what `auto` is: float16, or the codes of a model that is quantised."""
    if kind != "auto":
        return kind
    return "q4_1" if source.quantized else "f16"


def read_gguf(path: Path, config: ModelConfig) -> dict[str, Array]:
    """Read the weights of such a file back, under our names, in float32."""
    architecture = choose_architecture(config)
    reader = gguf.GGUFReader(path)
    arrays = {
        tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type)
        for tensor in reader.tensors
    }
    ours: dict[str, Array] = {}
    for entry in gguf_layout(config, architecture, our_names(config, architecture)):
        ours |= entry.scatter(arrays[entry.foreign], config)
    return ours


def _add_shape(
    writer: gguf.GGUFWriter,
    config: ModelConfig,
    architecture: Architecture,
    name: str,
    kind: TensorType,
) -> None:
    writer.add_name(name)
    writer.add_file_type(_FILE_TYPES[kind])
    if kind not in ("f32", "f16"):
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.n_layers)
    writer.add_feed_forward_length(config.d_ff)
    writer.add_head_count(config.n_heads)
    writer.add_head_count_kv(config.n_kv_heads)
    if architecture == "gpt2":
        writer.add_layer_norm_eps(config.norm_epsilon)
        return
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_key_length(config.d_head)
    writer.add_value_length(config.d_head)
    writer.add_rope_dimension_count(config.d_head)
    writer.add_rope_freq_base(config.rope_theta)


def _tokenizer_values(tokenizer: Tokenizer) -> dict[str, Any]:
    try:
        return gguf_values(tokenizer)
    except UserError as reason:
        raise RefusalError(str(reason)) from None


def _add_tensors(
    writer: gguf.GGUFWriter,
    source: Source,
    architecture: Architecture,
    kind: TensorType,
) -> None:
    tensors = complete(source.config, architecture, source.tensors)
    for entry in gguf_layout(source.config, architecture, list(tensors)):
        kinds = {
            _choose_type(part, tensors[part], source.quantized.get(part), kind)
            for part in entry.ours
        }
        chosen = kinds.pop() if len(kinds) == 1 else "q8_0"  # stacked parts share one
        packed = {
            part: _pack(tensors[part], source.quantized.get(part), chosen)
            for part in entry.ours
        }
        raw = gguf.GGMLQuantizationType[chosen.upper()]
        writer.add_tensor(entry.foreign, entry.gather(packed), raw_dtype=raw)


def _choose_type(
    name: str, array: Array, layer: QuantizedLinear | None, kind: TensorType
) -> TensorType:
    if array.ndim == 1 or kind == "f32" or name.startswith("embed_positions"):
        return "f32"
    if kind == "f16" or not fits_blocks(array.shape[1]):
        return "f16"
    if name.startswith(("embed_tokens", "lm_head")):
        return "q8_0"
    if kind == "q4_1" and layer is not None and not _is_q4_1(layer):
        return "q8_0"
    return kind


def _pack(array: Array, layer: QuantizedLinear | None, kind: TensorType) -> Array:
    if kind == "f32":
        return array.astype(np.float32)
    if kind == "f16":
        return array.astype(np.float16)
    if kind == "q4_1" and layer is not None and _is_q4_1(layer):
        grid = layer.grid
        parts = layer.codes, grid.scales, grid.zero_points
        return pack_grid(*(part.numpy() for part in parts))
    return _PACKERS[kind](array.astype(np.float32))


def _is_q4_1(layer: QuantizedLinear) -> bool:
    return layer.bits == 4 and layer.group_size == 32 and layer.input_scale is None
