"""Train a tokenizer: texts → counts of pieces → merges."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_count
from scratchlm.tokenizer.bpe import learn_merges
from scratchlm.tokenizer.pattern import PatternName
from scratchlm.tokenizer.special import SPECIAL_TOKENS
from scratchlm.tokenizer.tokenizer import Tokenizer


class TokenizerConfig(Config):
    """How a tokenizer is trained."""

    kind: Literal["bpe"] = "bpe"
    """Algorithm: byte-level byte-pair encoding."""
    vocab_size: int = Field(default=4096, ge=256 + len(SPECIAL_TOKENS), le=1 << 20)
    """Number of ids: 256 bytes, the merges, 16 control tokens."""
    pattern: PatternName = "llama3"
    """How a text is split into pieces before merging; GGUF readers know llama3."""
    min_frequency: int = Field(default=2, ge=1)
    """A pair that occurs less often is not merged."""
    max_token_bytes: int | None = Field(default=32, ge=2)
    """Longest token; some readers of GGUF lose the text of longer ones."""


def train_tokenizer(
    config: TokenizerConfig, texts: Iterable[str], progress: Progress = SILENT
) -> Tokenizer:
    """Train a tokenizer; the order of the texts plays no part.

    Where the texts have too few pairs, slots of the vocabulary stay unused; the
    vocabulary keeps the size that was asked for.

    Raises:
        UserError: there is no text.
    """
    counts = count_pieces(texts, config.pattern, progress)
    if not counts:
        raise UserError("the tokenizer got no text to learn from: give it some")
    merges = learn_merges(
        counts,
        config.vocab_size - 256 - len(SPECIAL_TOKENS),
        min_frequency=config.min_frequency,
        max_token_bytes=config.max_token_bytes,
        progress=progress,
    )
    tokenizer = Tokenizer(merges, config.pattern, config.vocab_size)
    if tokenizer.n_unused:
        progress.note(
            f"the text gave {len(merges)} merges; {tokenizer.n_unused} of "
            f"{config.vocab_size} ids stay unused (lower tokenizer.vocab_size)"
        )
    return tokenizer


def count_pieces(
    texts: Iterable[str], pattern: PatternName, progress: Progress = SILENT
) -> Counter[bytes]:
    """Count the pieces of all texts, as UTF-8."""
    splitter = Tokenizer((), pattern)
    counts: Counter[str] = Counter()
    n_chars = 0
    for text in texts:
        counts.update(splitter.split(text))
        n_chars += len(text)
        progress.update(0, 1, f"{format_count(n_chars)} characters counted")
    return Counter({piece.encode(): count for piece, count in counts.items()})
