"""What a person chooses about evaluation. Imports no torch."""

from pydantic import Field

from scratchlm.base.config import Config


class EvaluateConfig(Config):
    """What is measured, and on how much of it."""

    context_length: int | None = Field(default=None, ge=2)
    """Tokens the model sees at once; the model's own context where absent."""
    stride: int | None = Field(default=None, ge=1)
    """Tokens scored by each window after the first; half the context where absent."""
    batch_size: int = Field(default=16, ge=1)
    """Windows read at once; changes memory and speed only."""
    max_heldout_bytes: int = Field(default=1_000_000, ge=1)
    """Bytes of held-out text read at most; whole documents, chosen by their hash."""
    max_document_bytes: int = Field(default=250_000, ge=1)
    """Bytes read of one document at most; the rest of it is left out."""
    max_questions: int = Field(default=300, ge=1)
    """Questions of each kind at most."""
    max_new_tokens: int = Field(default=64, ge=1)
    """Tokens after which an answer counts as one that did not stop."""
    generation_batch_size: int = Field(default=64, ge=1)
    """Questions answered at once; changes memory and speed only."""
