"""Train a tokenizer: texts → counts of pieces → vocabulary.

The counts can be kept: every vocabulary size, with every option that does not change
how texts are split, is then trained from them without reading the text again; a
smaller vocabulary is a prefix of a larger one.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.tokenizer.bert import BERT_SPECIAL_TOKENS, BertSplit
from scratchlm.tokenizer.bpe import Merge
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.bpe_train import learn_from_arrays
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.pattern import PatternName
from scratchlm.tokenizer.special import SPECIAL_TOKENS, special_tokens
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.wordpiece import WordPiece
from scratchlm.tokenizer.wordpiece_train import MergeOptions, train_bert, train_cased


class TokenizerConfig(Config):
    """How a tokenizer is trained."""

    kind: Literal["bpe", "wordpiece"] = "bpe"
    """Algorithm: byte-level byte-pair encoding, or WordPiece."""
    vocab_size: int = Field(default=4096, ge=256 + len(SPECIAL_TOKENS), le=1 << 20)
    """Number of ids: the bytes, the merges, 16 control tokens."""
    pattern: PatternName = "llama3"
    """How a text is split into pieces before merging; GGUF readers know llama3."""
    min_frequency: int = Field(default=2, ge=1)
    """A pair that occurs less often is not merged."""
    max_token_bytes: int | None = Field(default=32, ge=2)
    """Longest token; some readers of GGUF lose the text of longer ones."""
    form: Literal["cased", "bert"] = "cased"
    """WordPiece only: cased keeps the text as it is, bert is BERT's own."""
    lower: bool = True
    """WordPiece in BERT's form only: lower-case and strip accents."""
    score: Literal["frequency", "likelihood"] = "frequency"
    """WordPiece only: which pair joins next."""
    limit_alphabet: int | None = Field(default=None, ge=1)
    """WordPiece in BERT's form only: keep this many characters, the most frequent."""
    reserved: tuple[str, ...] = Field(default=(), max_length=8)
    """Names for the reserved control tokens, as "<|im_start|>"."""


def train_tokenizer(
    config: TokenizerConfig, texts: Iterable[str], progress: Progress = SILENT
) -> Tokenizer:
    """Train a tokenizer; the order of the texts plays no part.

    Where the texts have too few pairs, slots of the vocabulary stay unused; the
    vocabulary keeps the size that was asked for.

    Raises:
        UserError: there is no text.
    """
    counts = build_counts(config)
    counts.add_texts(texts, progress=progress)
    return train_from_counts(config, counts, progress=progress)


def build_counts(
    config: TokenizerConfig,
    *,
    memory_bytes: int | None = None,
    threads: int | None = None,
) -> WordCounts:
    """Empty counts that split texts as the config says."""
    split = BertSplit(config.lower, config.lower).split_words
    return WordCounts(
        _pattern(config),
        memory_bytes=memory_bytes,
        threads=threads,
        split=split if _is_bert(config) else None,
    )


def train_from_counts(
    config: TokenizerConfig,
    counts: WordCounts,
    initial_merges: Sequence[Merge] = (),
    progress: Progress = SILENT,
) -> Tokenizer:
    """Train from counts.

    Args:
        config: its pattern must be that of the counts.
        counts: pieces and how often they occur.
        initial_merges: merges of another tokenizer of ours, kept first (BPE).
        progress: told about each merge.

    Raises:
        UserError: nothing was counted, another pattern, or merges that do not fit.
    """
    pattern = _pattern(config)
    if counts.pattern != pattern:
        raise UserError(
            f"the counts were made with pattern {counts.pattern}, the tokenizer wants "
            f"{pattern}: say {_settings(counts.pattern)} or count anew"
        )
    if counts.is_empty:
        raise UserError("the tokenizer got no text to learn from: give it some")
    names = special_tokens(config.reserved)
    if _is_bert(config):
        names = (*BERT_SPECIAL_TOKENS, *names)
    model: BPE | WordPiece
    n_tokens = config.vocab_size - len(names)
    if config.kind == "wordpiece":
        _refuse_merges(initial_merges)
        model = _train_wordpiece(config, counts, n_tokens, progress)
    else:
        model = _train_bpe(config, counts, n_tokens, initial_merges, progress)
    tokenizer = Tokenizer.in_own_layout(model, config.vocab_size, special_tokens=names)
    if tokenizer.n_unused:
        progress.note(
            f"the text gave {len(model.tokens):,} tokens; {tokenizer.n_unused} of "
            f"{config.vocab_size} ids stay unused (lower tokenizer.vocab_size)"
        )
    return tokenizer


def _train_bpe(
    config: TokenizerConfig,
    counts: WordCounts,
    n_tokens: int,
    initial_merges: Sequence[Merge],
    progress: Progress,
) -> BPE:
    n_merges = n_tokens - 256
    if len(initial_merges) > n_merges:
        raise UserError(
            f"{len(initial_merges)} merges to extend do not fit a vocabulary of "
            f"{config.vocab_size}: raise tokenizer.vocab_size"
        )
    arrays = counts.arrays(ordered=False)
    if counts.least_kept > 1:
        progress.note(
            f"pieces that occur fewer than {counts.least_kept} times are left out: "
            "more memory keeps them"
        )
    merges = learn_from_arrays(
        arrays,
        n_merges,
        min_frequency=config.min_frequency,
        max_token_bytes=config.max_token_bytes,
        initial_merges=initial_merges,
        progress=progress,
    )
    return BPE.own(merges, config.pattern)


def _train_wordpiece(
    config: TokenizerConfig, counts: WordCounts, n_tokens: int, progress: Progress
) -> WordPiece:
    options = MergeOptions(
        n_tokens, config.score, config.min_frequency, config.max_token_bytes
    )
    if config.form == "cased":
        return train_cased(counts.items(), options, config.pattern, progress)
    return train_bert(
        counts.items(),
        options,
        lower=config.lower,
        limit_alphabet=config.limit_alphabet,
        progress=progress,
    )


def _settings(pattern: str) -> str:
    """The settings under which counts are made with a pattern."""
    if not pattern.startswith("bert"):
        return f"pattern={pattern}"
    lower = "true" if pattern == "bert" else "false"
    return f"kind=wordpiece form=bert lower={lower}"


def _refuse_merges(merges: Sequence[Merge]) -> None:
    if merges:
        raise UserError(
            "a WordPiece vocabulary has no merges to extend: this needs BPE"
        )


def _is_bert(config: TokenizerConfig) -> bool:
    return config.kind == "wordpiece" and config.form == "bert"


def _pattern(config: TokenizerConfig) -> str:
    """The name under which counts say how texts were split."""
    if _is_bert(config):
        return "bert" if config.lower else "bert-cased"
    return config.pattern
