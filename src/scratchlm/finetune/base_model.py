"""The model that tuning starts from, held against its tokenizer and context."""

from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_model
from scratchlm.tokenizer.tokenizer import Tokenizer


def load_base_model(
    directory: Path, tokenizer: Tokenizer, context_length: int | None
) -> tuple[Transformer, int]:
    """Load a model; also say how many tokens its rows will have.

    Args:
        directory: of the model.
        tokenizer: must have the model's vocabulary.
        context_length: wanted length of rows; None takes the model's context.

    Raises:
        UserError: the tokenizer or the length does not fit the model.
    """
    model = load_model(directory)
    vocab_size, context = model.config.vocab_size, model.config.context_length
    if tokenizer.vocab_size != vocab_size:
        raise UserError(
            f"{directory} has a vocabulary of {vocab_size} ids and the tokenizer one "
            f"of {tokenizer.vocab_size}: give the tokenizer that the model was "
            "trained with"
        )
    if context_length is not None and context_length > context:
        raise UserError(
            f"context_length = {context_length} is longer than the context of "
            f"{directory}, {context} tokens: give at most that"
        )
    return model, context_length or context
