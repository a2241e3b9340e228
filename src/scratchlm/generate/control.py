"""Which control tokens end an answer, and which ids may never be generated."""

from collections.abc import Collection

import numpy as np

from scratchlm.tokenizer.tokenizer import Tokenizer


def chat_stop_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """List the ids that end an answer: end of turn, end of text."""
    return (tokenizer.end_of_turn_id, tokenizer.endoftext_id)


def forbidden_ids(
    tokenizer: Tokenizer, allowed: Collection[int] | None = None
) -> tuple[int, ...]:
    """List the ids that must not be generated: they stand for no text.

    Control tokens, and slots of the vocabulary that no merge filled.

    Args:
        tokenizer: whose ids.
        allowed: the control tokens that may come; `chat_stop_ids` where None.
    """
    may_come = set(chat_stop_ids(tokenizer) if allowed is None else allowed)
    silent = np.flatnonzero(tokenizer.byte_lengths == 0).tolist()
    return tuple(id for id in silent if id not in may_come)
