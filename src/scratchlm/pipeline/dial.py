"""The dial: from minutes, measured speed and text to every number of a run.

`derive` is a pure function of (draft, calibration, corpus facts): what a draft leaves
open is chosen, each value with its reason; what a draft says is taken as it is. The
numbers that it goes by stand in `Rules`, with where they come from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scratchlm.base.config import build_config, merge
from scratchlm.base.units import format_bytes, format_count, format_duration
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.calibration import Calibration
from scratchlm.pipeline.choices import Choices
from scratchlm.pipeline.facts import CorpusFacts
from scratchlm.pipeline.rules import RULES, Shape, look_up
from scratchlm.plan.flops import estimate_training_flops
from scratchlm.plan.parameters import count_multiplied
from scratchlm.plan.presets import laptop_config
from scratchlm.plan.scaling import epoch_warning
from scratchlm.train.config import TrainConfig

NOMINAL_FACTS = CorpusFacts(
    train_bytes=8_700_000,
    heldout_bytes=480_000,
    n_train_documents=500,
    n_heldout_documents=20,
    n_conversations=6_000,
    conversation_bytes=820_000,
    n_pairs=4_500,
    pair_bytes=1_200_000,
)
"""The embedded corpus, about: drafts are checked against it before the start."""


@dataclass(frozen=True)
class Derived:
    """What the dial chose for a draft."""

    values: dict[str, Any]
    """Nested as in the draft; only what the draft left open."""
    reasons: dict[str, str]
    """Dotted key → why."""
    notes: list[str]
    """What a person should know besides."""


@dataclass(frozen=True)
class Seconds:
    """How the time is shared."""

    pretrain: float
    finetune: float
    align: float
    evaluate: float


@dataclass(frozen=True)
class Rung:
    """A candidate: a model, its speed, and the tokens that the time gives it."""

    model: ModelConfig
    tokens_per_s: float
    unique_tokens: float
    time_tokens: float
    """Tokens that the time allows."""

    @property
    def tokens(self) -> float:
        """Tokens that time and text allow."""
        return min(self.time_tokens, RULES.max_epochs * self.unique_tokens)

    @property
    def tokens_per_parameter(self) -> float:
        """Tokens for each parameter in blocks and head."""
        return self.tokens / count_multiplied(self.model)


def derive(
    draft: Mapping[str, Any], calibration: Calibration, facts: CorpusFacts
) -> Derived:
    """Choose what a draft leaves open.

    Args:
        draft: nested values; those that it has win and shape what follows from them.
        calibration: measured speeds of this machine.
        facts: sizes of the corpus.
    """
    choices = Choices(draft)
    _choose_machine(choices, calibration)
    seconds = share_time(choices, calibration, facts)
    rung = _choose_model(choices, calibration, facts, seconds)
    _choose_training(choices, rung, seconds)
    _choose_finetuning(choices, rung, facts, seconds)
    _choose_alignment(choices, rung, facts, seconds)
    _choose_evaluation(choices, rung, seconds)
    return Derived(choices.values, choices.reasons, choices.notes)


def share_time(
    choices: Choices, calibration: Calibration, facts: CorpusFacts
) -> Seconds:
    """Share what is left of the minutes once the text has been prepared."""
    total = 60.0 * float(choices.said("minutes") or RULES.minutes)
    text = calibration.corpus_s * (RULES.tokenizer_per_corpus + RULES.data_per_corpus)
    left = max(total - calibration.spent_s - text, RULES.least_share * total)
    return Seconds(
        pretrain=RULES.pretrain_share * left,
        finetune=RULES.finetune_share * left,
        align=RULES.align_share * left,
        evaluate=RULES.evaluate_share * left,
    )


def shape_values(
    shape: Shape, style: Mapping[str, Any], vocab_size: int, context_length: int
) -> dict[str, Any]:
    """Sizes of a model of one shape in a style.

    Grouped queries belong to the modern block; without a gate the feed-forward
    network is four times as wide as the model.
    """
    gated = style.get("mlp", "swiglu") == "swiglu"
    grouped = style.get("qk_norm", True) not in (False, "none")
    return {
        "vocab_size": vocab_size,
        "context_length": context_length,
        "n_layers": shape.n_layers,
        "d_model": shape.d_model,
        "n_heads": shape.n_heads,
        "n_kv_heads": shape.n_kv_heads if grouped else shape.n_heads,
        "d_ff": shape.d_ff if gated else 4 * shape.d_model,
    }


def bytes_per_token(vocab_size: int) -> float:
    """Expected bytes a token, by the size of the vocabulary."""
    table = RULES.bytes_per_token
    for (low, start), (high, end) in itertools.pairwise(table):
        if vocab_size <= high:
            share = math.log(max(vocab_size, low) / low) / math.log(high / low)
            return start + share * (end - start)
    return table[-1][1]


def _choose_machine(choices: Choices, calibration: Calibration) -> None:
    for key in ("device", "dtype", "attention", "threads"):
        why = "fastest of those measured"
        if key == "threads":
            why = "one for each core"
        if key == "device":
            why = "what torch sees here"
        choices.choose(f"machine.{key}", getattr(calibration, key), why)


def _choose_model(
    choices: Choices, calibration: Calibration, facts: CorpusFacts, seconds: Seconds
) -> Rung:
    rungs = [
        _climb(choices, shape, calibration, facts, seconds)
        for shape in _shapes(choices)
    ]
    paying = [r for r in rungs if r.tokens_per_parameter >= RULES.tokens_per_parameter]
    rung = paying[-1] if paying else rungs[0]
    model, style = rung.model, choices.said("model") or {}
    vocab, text = model.vocab_size, format_bytes(facts.train_bytes)
    why = f"{text} of text carry it, and a width of {model.d_model} its head"
    choices.choose("tokenizer.vocab_size", vocab, why)
    choices.choose("model.vocab_size", vocab, "the tokenizer's")
    length = model.context_length
    choices.choose("model.context_length", length, f"for a width of {model.d_model}")
    if "n_layers" in style or "d_model" in style:
        why = "goes with what was asked for"
    else:
        which = "largest shape" if paying else "smallest shape, for want of one"
        why = (
            f"{which} with {RULES.tokens_per_parameter:g} or more tokens a "
            f"parameter: {rung.tokens_per_parameter:.2g}"
        )
    choices.choose("model.n_layers", model.n_layers, why)
    choices.choose("model.d_model", model.d_model, why)
    width = f"width {model.d_model}"
    choices.choose("model.n_heads", model.n_heads, f"{model.d_head} channels each")
    choices.choose("model.n_kv_heads", model.n_kv_heads, "keys shared by groups")
    choices.choose("model.d_ff", model.d_ff, f"for {width}")
    return rung


def _shapes(choices: Choices) -> list[Shape]:
    """The ladder, or the one shape that goes with what the draft says."""
    depth, width = choices.said("model.n_layers"), choices.said("model.d_model")
    if depth is None and width is None:
        return list(RULES.ladder)
    if depth is None:
        near = min(RULES.ladder, key=lambda shape: abs(shape.d_model - width))
        depth = near.n_layers
    made = laptop_config(depth, d_model=width)
    heads = (made.n_heads, made.n_kv_heads)
    return [Shape(depth, made.d_model, *heads, made.d_ff)]


def _climb(
    choices: Choices,
    shape: Shape,
    calibration: Calibration,
    facts: CorpusFacts,
    seconds: Seconds,
) -> Rung:
    """What a shape would come to in this time, on this text."""
    style = choices.said("model") or {}
    kind = choices.said("tokenizer.kind") or "bpe"
    vocab_size = choices.said("tokenizer.vocab_size") or choose_vocabulary(
        shape, facts, kind
    )
    length = look_up(RULES.context_length, shape.d_model)
    values = shape_values(shape, style, vocab_size, length)
    model = build_config(ModelConfig, merge(values, style), "recipe: model")
    speed = calibration.estimate_tokens_per_s(estimate_training_flops(model))
    unique = facts.train_bytes / bytes_per_token(model.vocab_size)
    return Rung(model, speed, unique, speed * seconds.pretrain)


def choose_vocabulary(shape: Shape, facts: CorpusFacts, kind: str = "bpe") -> int:
    """A power of two that the text can fill and the model's width can carry."""
    entries = max(facts.train_bytes / RULES.bytes_per_vocabulary_entry, 1)
    by_text = 2 ** int(math.log2(entries))
    by_width = look_up(RULES.max_vocabulary, shape.d_model)
    bpe, wordpiece = RULES.least_vocabulary, RULES.least_wordpieces
    least = wordpiece if kind == "wordpiece" else bpe
    return int(min(max(by_text, least), by_width))


def _choose_training(choices: Choices, rung: Rung, seconds: Seconds) -> None:
    length = choices.choose(
        "train.context_length", rung.model.context_length, "the model's"
    )
    per_step = look_up(RULES.tokens_per_step, rung.tokens)
    rows = choices.choose(
        "train.batch_size",
        max(1, per_step // length),
        f"{per_step:,} tokens a step: small batches win in short runs",
    )
    per_step = rows * length
    if rung.tokens < RULES.gentle_tokens:
        usual = TrainConfig.model_fields["matrix_lr"].default
        choices.choose("train.matrix_lr", usual / 2, "a run this short")
    limited = rung.tokens < rung.time_tokens
    why = (
        f"{RULES.max_epochs:g} epochs of the text"
        if limited
        else f"{format_duration(seconds.pretrain)} at "
        f"{format_count(rung.tokens_per_s)} tokens/s, "
        f"{rung.tokens / rung.unique_tokens:.2f} epochs"
    )
    steps = choices.choose(
        "train.total_steps",
        max(RULES.least_steps, int(rung.tokens / per_step)),
        f"{format_count(rung.tokens)} tokens: {why}",
    )
    fitting = max(1, RULES.max_micro_batch_tokens // length)
    micro = next(n for n in range(min(rows, fitting), 0, -1) if rows % n == 0)
    choices.choose("train.micro_batch_size", micro, "the largest part that fits")
    _choose_checkpoints(choices, "train", per_step / rung.tokens_per_s)
    warning = epoch_warning(rung.time_tokens, rung.unique_tokens, RULES.max_epochs)
    if warning and "train.total_steps" in choices.reasons:
        choices.notes.append(warning)
    share = f"{RULES.warmup_share:.0%} of the steps"
    choices.choose("train.warmup_steps", round(RULES.warmup_share * steps), share)
    share = f"the last {RULES.decay_share:.0%} of the steps"
    choices.choose("train.decay_steps", int(RULES.decay_share * steps), share)
    choices.choose(
        "train.hook_every_steps",
        max(1, steps // RULES.n_samples),
        f"{RULES.n_samples} looks at held-out text and samples",
    )


def _choose_tuning(
    choices: Choices, section: str, rung: Rung, seconds: float, tokens_per_row: float
) -> None:
    """Limit a stage after pretraining by its share of the time, in tokens."""
    tokens = max(1, int(seconds * rung.tokens_per_s))
    why = f"{format_duration(seconds)} at {format_count(rung.tokens_per_s)} tokens/s"
    choices.choose(f"{section}.max_tokens", tokens, why)
    rows = choices.held(f"{section}.batch_size") or RULES.tuning_batch_size
    _choose_checkpoints(choices, section, rows * tokens_per_row / rung.tokens_per_s)


def _choose_finetuning(
    choices: Choices, rung: Rung, facts: CorpusFacts, seconds: Seconds
) -> None:
    why = "more passes than that make it repeat its conversations"
    epochs = choices.choose("finetune.epochs", RULES.finetune_epochs, why)
    tokens = _text_tokens(rung, facts.conversation_bytes, facts.n_conversations)
    length = choices.choose(
        "finetune.context_length",
        _row_tokens(tokens / max(facts.n_conversations, 1), rung.model.context_length),
        f"rows of about {RULES.conversations_per_row} conversations",
    )
    choices.choose(
        "finetune.batch_size",
        max(1, RULES.finetune_tokens_per_step // length),
        f"about {RULES.finetune_tokens_per_step:,} tokens a step",
    )
    _choose_tuning(choices, "finetune", rung, seconds.finetune, length)
    limited = epochs * tokens < seconds.finetune * rung.tokens_per_s
    if limited and "finetune.max_tokens" in choices.reasons:
        choices.notes.append(
            f"the conversations, not the time, limit fine-tuning: {epochs:g} epochs "
            f"of about {format_count(tokens)} tokens"
        )


def _row_tokens(mean_tokens: float, context_length: int) -> int:
    """Tokens of a row of fine-tuning, for conversations of a mean length."""
    multiple = RULES.row_tokens_multiple
    wanted = RULES.conversations_per_row * mean_tokens
    rounded = multiple * math.ceil(wanted / multiple)
    return min(max(rounded, RULES.least_row_tokens), context_length)


def _choose_alignment(
    choices: Choices, rung: Rung, facts: CorpusFacts, seconds: Seconds
) -> None:
    why = "the reference is read once, the pairs as often"
    choices.choose("align.epochs", RULES.align_epochs, why)
    per_pair = _text_tokens(rung, facts.pair_bytes, 2 * facts.n_pairs) / max(
        facts.n_pairs, 1
    )
    share = seconds.align / (1 + RULES.reference_cost)
    _choose_tuning(choices, "align", rung, share, per_pair)


def _choose_evaluation(choices: Choices, rung: Rung, seconds: Seconds) -> None:
    """Bits per byte twice, each token read twice, a forward pass being a third."""
    n_tokens = seconds.evaluate * rung.tokens_per_s * 3 / 4
    n_bytes = n_tokens * bytes_per_token(rung.model.vocab_size)
    choices.choose(
        "evaluate.max_heldout_bytes",
        int(min(max(n_bytes, RULES.least_heldout_bytes), RULES.max_heldout_bytes)),
        f"{format_duration(seconds.evaluate)} of reading, base and chat model",
    )
    questions = int(RULES.questions_per_s * seconds.evaluate)
    choices.choose(
        "evaluate.max_questions",
        min(max(questions, RULES.least_questions), RULES.max_questions),
        "of each kind",
    )


def _choose_checkpoints(choices: Choices, section: str, step_s: float) -> None:
    minutes = float(choices.said("minutes") or RULES.minutes)
    wanted_s = min(RULES.checkpoint_s, RULES.checkpoint_share * 60 * minutes)
    every = max(1, round(wanted_s / step_s))
    choices.choose(
        f"{section}.checkpoint_every_steps",
        every,
        f"about {format_duration(every * step_s)} of work",
    )


def _text_tokens(rung: Rung, n_bytes: int, n_texts: int) -> float:
    per_token = bytes_per_token(rung.model.vocab_size)
    return n_bytes / per_token + RULES.control_tokens * n_texts
