"""What each stage of the journey calls, on what, and what it says afterwards.

Every function here has one form, `(recipe, context) -> summary`: it reads the
directories of its inputs, fills its own, and returns one line without times. Rooms
are imported inside: a run whose stages are all up to date imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scratchlm.base.atomic import read_json
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.units import format_bytes, format_count
from scratchlm.pipeline.graph import Context
from scratchlm.pipeline.locate import model_folder

if TYPE_CHECKING:
    from scratchlm.corpus import Corpus, CorpusConfig
    from scratchlm.pipeline.recipe import Recipe
    from scratchlm.tokenizer import Tokenizer

CALIBRATION_ROWS = 64
"""Rows of training text that the quantisation looks at."""
QUANTIZED_HELDOUT_BYTES = 150_000
"""Held-out text on which the 4-bit model is compared with the 16-bit one."""


def run_corpus(config: CorpusConfig, context: Context) -> str:
    """Collect, clean, deduplicate, hold out, ask."""
    from scratchlm.corpus import build_corpus
    from scratchlm.corpus.options import BuildOptions

    options = BuildOptions(keep_work=False)
    corpus = build_corpus(config, context.directory, context.progress, options)
    receipt = corpus.receipt
    train, heldout = receipt["train"], receipt["heldout"]
    n_questions = len(corpus.conversations("train"))
    return (
        f"{train['n_documents']:,} documents, {format_bytes(train['n_bytes'])}; "
        f"{heldout['n_documents']:,} held out; {n_questions:,} conversations, "
        f"{len(corpus.preferences('train')):,} pairs to learn from"
    )


def run_tokenizer(recipe: Recipe, context: Context) -> str:
    """Train the tokenizer on the training documents."""
    from scratchlm.tokenizer import train_tokenizer

    texts = (document.text for document in _corpus(context).train_documents())
    tokenizer = train_tokenizer(recipe.tokenizer, texts, context.progress)
    tokenizer.save(context.directory / "tokenizer.json")
    return f"{tokenizer.vocab_size:,} entries, {tokenizer.model.summary}"


def run_data(recipe: Recipe, context: Context) -> str:
    """Encode the documents into shards."""
    from scratchlm.data import build_shards

    corpus = _corpus(context)
    splits = {
        "train": (document.text for document in corpus.train_documents()),
        "heldout": (document.text for document in corpus.heldout_documents()),
    }
    tokenizer = _tokenizer(context)
    build_shards(recipe.data, splits, tokenizer, context.directory, context.progress)
    found = read_json(context.directory / "shards.json")["splits"]
    train, heldout = found["train"], found["heldout"]
    per_token = train["n_bytes"] / max(train["n_tokens"], 1)
    return (
        f"{format_count(train['n_tokens'])} tokens of {per_token:.2f} bytes; "
        f"{format_count(heldout['n_tokens'])} held out"
    )


def run_train(recipe: Recipe, context: Context) -> str:
    """Pretrain, looking at held-out text and samples on the way."""
    from scratchlm.base.sinks import open_sinks
    from scratchlm.pipeline.samples import build_hooks, expect_loss, note_leakage
    from scratchlm.train.pretraining import pretrain
    from scratchlm.train.surroundings import Surroundings
    from scratchlm.train.view import TrainView

    config, data = recipe.train, context.inputs["data"]
    tracking, tokenizer = config.tracking, _tokenizer(context)
    samples = context.metrics_path.with_name("samples.jsonl")
    run = context.metrics_path.parent.name
    with MetricsWriter(context.metrics_path, "train") as metrics:
        sinks = open_sinks(tracking.sinks, context.directory, run, tracking.project)
        view = TrainView(
            context.progress,
            live=tracking.view == "auto",
            ceiling_flops_per_s=recipe.machine.ceiling_flops_per_s,
        )
        metrics.attach(*sinks, view)
        note_leakage(data, tokenizer, tracking, view.note)
        unique = _count_tokens(data)
        hooks = build_hooks(
            data,
            tokenizer,
            config.context_length,
            metrics,
            samples,
            tracking=tracking,
            documents=_corpus(context).heldout_documents(),
            note=view.note,
            verdict=expect_loss(recipe.model, config, unique, view.note),
        )
        around = Surroundings(
            metrics,
            hooks,
            context.progress,
            observer=view,
            on_change=context.on_change,
            decode=tokenizer.decode,
        )
        pretrain(config, recipe.model, data, context.directory, recipe.machine, around)
    epochs = config.total_tokens / _count_tokens(data)
    return (
        f"{format_count(recipe.model.n_parameters)} parameters, "
        f"{format_count(config.total_tokens)} tokens, {epochs:.2f} epochs"
    )


def run_finetune(recipe: Recipe, context: Context) -> str:
    """Teach the pretrained model to answer."""
    from scratchlm.finetune import finetune

    with MetricsWriter(context.metrics_path, "finetune") as metrics:
        finetune(
            recipe.finetune,
            _model(context, "train"),
            _tokenizer(context),
            _corpus(context).conversations("train"),
            context.directory,
            recipe.machine,
            metrics,
            context.progress,
            on_change=context.on_change,
        )
    receipt = read_json(context.directory / "receipt.json")
    n_examples = receipt["conversations"]["examples"]
    return f"{n_examples:,} conversations, {receipt['epochs']:.2f} epochs"


def run_align(recipe: Recipe, context: Context) -> str:
    """Teach the chat model what is preferred."""
    from scratchlm.align import align

    with MetricsWriter(context.metrics_path, "align") as metrics:
        align(
            recipe.align,
            _model(context, "finetune"),
            _tokenizer(context),
            _corpus(context).preferences("train"),
            context.directory,
            recipe.machine,
            metrics,
            context.progress,
            on_change=context.on_change,
        )
    receipt = read_json(context.directory / "receipt.json")
    n_pairs = receipt["preferences"]["pairs"]
    return f"{n_pairs:,} pairs, {receipt['epochs']:.2f} epochs"


def run_evaluate_base(recipe: Recipe, context: Context) -> str:
    """Measure the pretrained model on the held-out documents."""
    from scratchlm.evaluate import evaluate_base

    result = evaluate_base(
        recipe.evaluate,
        _model(context, "train"),
        _tokenizer(context),
        _corpus(context).heldout_documents(),
        context.directory,
        recipe.machine,
        context.progress,
    )
    packed = result["compression"]
    return (
        f"{_interval(result['bits_per_byte'])} bits per byte; xz -9e: "
        f"{packed['per_file_bits_per_byte']:.3f} each file, "
        f"{packed['archive_bits_per_byte']:.3f} as one archive"
    )


def run_evaluate_chat(recipe: Recipe, context: Context) -> str:
    """Question the chat model, before and after alignment."""
    from scratchlm.evaluate import evaluate_chat
    from scratchlm.pipeline.measure import compare_preferences

    corpus, tokenizer = _corpus(context), _tokenizer(context)
    before = _model(context, "finetune")
    after = _model(context, "align")
    result = evaluate_chat(
        recipe.evaluate,
        after,
        tokenizer,
        corpus.conversations(),
        corpus.heldout_documents(),
        context.directory,
        recipe.machine,
        context.progress,
        before_directory=before,
    )
    accuracy = compare_preferences(
        before,
        after,
        tokenizer,
        corpus.preferences("test"),
        context.directory / "preferences.json",
        recipe.machine,
    )
    questions = [
        f"{kind} {judged['f1']['value']:.3f} (constant {judged['constant']['f1']:.3f})"
        for kind, judged in result["kinds"].items()
    ]
    pairs = [f"{kind} {_change(found)}" for kind, found in accuracy.items()]
    return "; ".join(
        f"{what} {', '.join(found)}"
        for what, found in (("F1", questions), ("pairs", pairs))
        if found
    )


def run_quantize(recipe: Recipe, context: Context) -> str:
    """Shrink the aligned model, and measure what that cost."""
    from scratchlm.pipeline.measure import compare_quantized
    from scratchlm.quantize import quantize

    model = _model(context, "align")
    tokens = _calibration_tokens(recipe, context)
    quantize(recipe.quantize, model, tokens, context.directory, context.progress)
    heldout_bytes = min(recipe.evaluate.max_heldout_bytes, QUANTIZED_HELDOUT_BYTES)
    result = compare_quantized(
        recipe.evaluate.model_copy(update={"max_heldout_bytes": heldout_bytes}),
        model,
        context.directory / "model",
        _tokenizer(context),
        _corpus(context).heldout_documents(),
        context.directory / "evaluation.json",
        recipe.machine,
    )
    size = read_json(context.directory / "receipt.json")["file_bytes"]
    return (
        f"{recipe.quantize.bits} bits, {recipe.quantize.method}: a file "
        f"{size['ratio']:.1f} times smaller, bits per byte × {result['ratio']:.4f}"
    )


def run_export(recipe: Recipe, context: Context) -> str:
    """Write the aligned model for others."""
    from scratchlm.export import export

    receipt = export(
        recipe.export,
        _model(context, "align"),
        _tokenizer(context),
        context.directory,
        context.progress,
        quantized_directory=context.inputs["quantize"] / "model",
        summary=_card_figures(context),
        notice=_notice(context),
    )
    words = [
        f"{name} {'written' if entry['written'] else 'refused: ' + entry['reason']}"
        for name, entry in receipt["formats"].items()
    ]
    return "; ".join(words)


def _corpus(context: Context) -> Corpus:
    from scratchlm.corpus import Corpus

    return Corpus(context.inputs["corpus"])


def _tokenizer(context: Context) -> Tokenizer:
    from scratchlm.tokenizer import Tokenizer

    return Tokenizer.load(context.inputs["tokenizer"] / "tokenizer.json")


def _model(context: Context, stage: str) -> Path:
    return model_folder(context.inputs[stage])


def _count_tokens(data: Path) -> int:
    return max(1, int(read_json(data / "shards.json")["splits"]["train"]["n_tokens"]))


def _calibration_tokens(recipe: Recipe, context: Context) -> Any:
    """Rows (N, T) of training text, evenly spread."""
    from scratchlm.data import TokenStore
    from scratchlm.pipeline.samples import spread_rows

    store = TokenStore.open(context.inputs["data"], "train")
    length = min(recipe.model.context_length, len(store))
    return spread_rows(store, length, CALIBRATION_ROWS)


def _card_figures(context: Context) -> dict[str, object]:
    """What the model card says of the training."""
    base = read_json(context.inputs["evaluate_base"] / "evaluation.json")
    chat = read_json(context.inputs["evaluate_chat"] / "evaluation.json")
    figures = {"bits per byte, base model": _interval(base["bits_per_byte"])}
    figures["bits per byte, chat model"] = _interval(chat["bits_per_byte"])
    for kind, judged in chat["kinds"].items():
        figures[f"token F1, {kind} questions"] = f"{judged['f1']['value']:.3f}"
    return dict(figures)


def _notice(context: Context) -> str:
    """The licence notice of the text."""
    steps = _corpus(context).receipt["steps"]
    notices = (step["notes"].get("notice") for step in steps)
    return "\n".join(notice for notice in notices if notice)


def _change(found: Mapping[str, Any]) -> str:
    before, after = found["before_frac"]["value"], found["after_frac"]["value"]
    return f"{before:.1%} → {after:.1%}"


def _interval(measured: Mapping[str, Any]) -> str:
    value = f"{measured['value']:.3f}"
    if measured.get("low") is None:
        return value
    return f"{value} [{measured['low']:.3f}, {measured['high']:.3f}]"
