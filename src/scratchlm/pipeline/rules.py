"""The numbers that the dial goes by, with where they come from. Edit them here.

"Measured" without more means on two cores, on the embedded corpus or text like it;
docs/log.md has the runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """One rung of the ladder of sizes."""

    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    d_ff: int


Steps = tuple[tuple[float, int], ...]
"""(up to, value) pairs in rising order; beyond the last, its value."""


@dataclass(frozen=True)
class Rules:
    """One table for all rules."""

    minutes: float = 10.0

    # Shares of the time that is left when the text has been prepared; what they
    # leave of it pays for quantisation, export and report.
    pretrain_share: float = 0.5
    finetune_share: float = 0.29
    align_share: float = 0.11
    evaluate_share: float = 0.07
    least_share: float = 0.25
    """Share of the minutes that training gets however long the text took."""

    # Seconds relative to the corpus stage's own: all three are plain Python.
    tokenizer_per_corpus: float = 0.4
    data_per_corpus: float = 0.4

    ladder: tuple[Shape, ...] = (
        Shape(4, 64, 2, 1, 192),
        Shape(6, 128, 4, 2, 384),
        Shape(6, 192, 6, 3, 512),
        Shape(6, 256, 4, 2, 704),
        Shape(8, 320, 10, 5, 896),
        Shape(8, 384, 6, 3, 1024),
        Shape(10, 512, 8, 4, 1408),
        Shape(12, 640, 10, 5, 1728),
        Shape(16, 768, 12, 6, 2048),
        Shape(20, 1024, 16, 8, 2752),
    )
    """Models from small to large; d_ff is that of a gated network (SwiGLU)."""
    calibration_rungs: tuple[int, int, int] = (1, 2, 3)
    """Rungs whose speed is measured; the second one is tried in every setting."""
    tokens_per_parameter: float = 0.8
    """Tokens for each parameter of blocks and head from which a rung pays. With Muon
    and 2,048 tokens a step d_model = 128 led at 1.7 M tokens and 192 at 3.5 M.
    (Chinchilla's 20 holds for one epoch, AdamW and large batches.)"""
    max_epochs: float = 4.0
    """Passes over the text beyond which time buys nothing (Muennighoff et al. 2023)."""

    least_vocabulary: int = 512
    least_wordpieces: int = 1024
    """The same for WordPiece, which has two tokens for every byte."""
    bytes_per_vocabulary_entry: float = 1_500.0
    """Text that an entry of the vocabulary needs: 8 MB carry 4,096."""
    max_vocabulary: Steps = ((256, 4096), (512, 8192), (1024, 16_384))
    """By d_model: a head must not outweigh its blocks."""
    bytes_per_token: tuple[tuple[int, float], ...] = (
        (512, 2.11),
        (1024, 2.69),
        (2048, 3.2),
        (4096, 3.67),
        (8192, 4.07),
        (16_384, 4.38),
    )
    """By size of the vocabulary, measured on the standard library's sources."""
    context_length: Steps = ((512, 512), (1024, 1024))
    """By d_model."""

    tokens_per_step: Steps = (
        (150e3, 512),
        (500e3, 1024),
        (12e6, 2048),
        (50e6, 4096),
        (200e6, 8192),
    )
    """By tokens of the run: small batches win in short runs (measured: 2,048 against
    8,192 tokens −0.29 bits per byte at 0.8 M tokens; 512 against 2,048 −0.04 in nine
    seconds)."""
    gentle_tokens: float = 600e3
    """Runs of fewer tokens take half the matrices' rate: 0.01 against 0.02 is worth
    0.02 to 0.04 bits per byte at 0.05 to 0.33 M tokens (one seed)."""
    max_micro_batch_tokens: int = 16_384
    least_steps: int = 20
    warmup_share: float = 0.04
    decay_share: float = 0.6
    n_samples: int = 12
    """Looks at held-out text and samples during pretraining."""
    checkpoint_s: float = 25.0
    """Work that a kill may cost, …"""
    checkpoint_share: float = 0.04
    """… and no more of the minutes than this."""

    finetune_epochs: float = 3.0
    align_epochs: float = 1.0
    reference_cost: float = 1 / 3
    """A forward pass of the reference, in training passes."""
    control_tokens: int = 5
    """Tokens of a conversation beyond its text: marks of turns and document."""
    finetune_tokens_per_step: int = 1024
    """Small steps: the loss counts the answers alone, a quarter of the tokens.
    Measured: 1,024 in rows of 128 against 2,048 in rows of 512, unasked F1 +0.08."""
    conversations_per_row: int = 3
    """Rows of a few conversations: short attention, and little to ignore in them."""
    least_row_tokens: int = 128
    row_tokens_multiple: int = 64
    tuning_batch_size: int = 8
    """Rows of a step after pretraining, where the draft says nothing."""
    least_heldout_bytes: int = 50_000
    max_heldout_bytes: int = 1_000_000
    least_questions: int = 20
    questions_per_s: float = 12.0
    """Questions of each kind for a second of evaluation."""
    max_questions: int = 500


RULES = Rules()


def look_up(steps: Steps, at: float) -> int:
    """The value of the first step that reaches up to `at`, or the last one's."""
    return next((value for limit, value in steps if at <= limit), steps[-1][1])
