"""The model card: what this model is, in a README without dates or paths."""

from collections.abc import Mapping

from scratchlm.base.units import format_count
from scratchlm.model.config import ModelConfig
from scratchlm.tokenizer.tokenizer import Tokenizer

_KINDS = {
    "rope": "rotary",
    "learned": "learned",
    "none": "none",
    "rmsnorm": "RMSNorm",
    "layernorm": "LayerNorm",
    "swiglu": "SwiGLU",
    "gelu": "GELU (tanh)",
    "gelu_exact": "GELU",
    "relu2": "ReLU²",
}


def build_card(
    config: ModelConfig,
    tokenizer: Tokenizer | None,
    *,
    name: str,
    formats: Mapping[str, str],
    summary: Mapping[str, object],
    notice: str = "",
    loadable: bool = True,
) -> str:
    """Write the card as Markdown.

    Args:
        config: shape of the model.
        tokenizer: its tokenizer, where there is one.
        name: title.
        formats: folder or file -> what it holds, or why it could not be written.
        summary: figures of the training, in the order in which they are to stand.
        notice: licence notice of the data that the model was trained on.
        loadable: whether transformers loads it, so that the card shows how.
    """
    sections = [
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\n---",
        f"# {name}",
        f"A language model of {format_count(config.n_parameters)} parameters, trained "
        "from scratch with ScratchLM: its tokenizer, its weights and its chat format "
        "come from one run on one text. It is small: expect it to be wrong often.",
        "## Shape\n\n" + _table(_shape(config, tokenizer)),
    ]
    if summary:
        sections.append("## Training\n\n" + _table(summary))
    sections.append("## Files\n\n" + _table(formats))
    if tokenizer is not None and loadable:
        sections.append(_USE)
    if notice:
        sections.append("## Licence of the data\n\n" + notice.strip())
    return "\n\n".join(sections) + "\n"


def _shape(config: ModelConfig, tokenizer: Tokenizer | None) -> dict[str, object]:
    placement = "before each sub-layer"
    if config.norm_placement == "post":
        placement = "after each residual sum"
    heads = f"{config.n_heads} of {config.d_head} channels"
    if config.n_kv_heads != config.n_heads:
        heads += f", {config.n_kv_heads} for keys and values"
    shape: dict[str, object] = {
        "Parameters": f"{config.n_parameters:,}",
        "Layers": config.n_layers,
        "Width": f"{config.d_model}, {config.d_ff} inside the MLP",
        "Heads": heads + (", query-key norms" if config.qk_norm != "none" else ""),
        "Positions": _KINDS[config.position],
        "Norm": f"{_KINDS[config.norm]}, {placement}",
        "MLP": _KINDS[config.mlp],
        "Head": "tied to the embedding" if config.tied else "of its own",
        "Context": f"{config.context_length} tokens",
        "Vocabulary": f"{config.vocab_size} tokens",
    }
    if tokenizer is not None:
        shape["Tokenizer"] = tokenizer.model.summary
    return shape


def _table(rows: Mapping[str, object]) -> str:
    lines = ["| | |", "|---|---|"]
    lines += [f"| {_cell(key)} | {_cell(value)} |" for key, value in rows.items()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "\\|").split())


_USE = """## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("huggingface")
model = AutoModelForCausalLM.from_pretrained("huggingface")
messages = [{"role": "user", "content": "What does this do?"}]
ids = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
answer = model.generate(**ids, max_new_tokens=64)
print(tokenizer.decode(answer[0, ids["input_ids"].shape[1]:]))
```

The chat format is `<|endoftext|>` once, then `<|user|>…<|end_of_turn|>` and
`<|assistant|>…<|end_of_turn|>`; an answer ends with `<|end_of_turn|>`. Text that
contains the name of a control token is refused by the template."""
