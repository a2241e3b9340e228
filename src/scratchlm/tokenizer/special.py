"""The control tokens: the last sixteen ids of every vocabulary, in this order.

Text is never encoded to one of them; only the chat renderer and the builder of
training data write them. Padding is a token of its own, never the end of a text.
"""

from collections.abc import Sequence

from scratchlm.base.errors import UserError

END_OF_TEXT = "<|endoftext|>"
PAD = "<|pad|>"
END_OF_TURN = "<|end_of_turn|>"

ROLE_TOKENS = {
    "system": "<|system|>",
    "user": "<|user|>",
    "assistant": "<|assistant|>",
}
"""Role of a message -> the token that opens it."""

SPECIAL_TOKENS = (
    END_OF_TEXT,
    PAD,
    *ROLE_TOKENS.values(),
    END_OF_TURN,
    "<|tool_call|>",
    "<|tool_result|>",
    *(f"<|reserved_{index}|>" for index in range(8)),
)
"""All control tokens; the first has id `vocab_size - 16`."""

N_RESERVED = 8
"""Control tokens without a meaning yet."""


def special_tokens(reserved: Sequence[str] = ()) -> tuple[str, ...]:
    """The control tokens, the first reserved ones under names of one's own.

    Raises:
        UserError: a name that is empty, taken or given twice.
    """
    kept = SPECIAL_TOKENS[:-N_RESERVED]
    names = (*kept, *reserved, *SPECIAL_TOKENS[len(kept) + len(reserved) :])
    if len(set(names)) != len(names) or not all(names):
        raise UserError("tokenizer.reserved has an empty name, or one that is taken")
    return names


class ControlTokens:
    """What a vocabulary's control tokens are, by name."""

    special_tokens: dict[str, int]
    """Control token -> id."""

    def special_id(self, name: str) -> int:
        """Id of a control token.

        Raises:
            UserError: this vocabulary has no such token.
        """
        token = self.special_tokens.get(name)
        if token is None:
            known = ", ".join(self.special_tokens) or "none"
            raise UserError(
                f"this vocabulary has no control token {name!r}; it has: {known}"
            )
        return token

    @property
    def endoftext_id(self) -> int:
        """Id that ends a document and begins a conversation."""
        return self.special_id(END_OF_TEXT)

    @property
    def pad_id(self) -> int:
        """Id that fills rows; never counted in a loss."""
        return self.special_id(PAD)

    @property
    def end_of_turn_id(self) -> int:
        """Id that ends every message."""
        return self.special_id(END_OF_TURN)

    @property
    def system_id(self) -> int:
        """Id that opens a system message."""
        return self.special_id(ROLE_TOKENS["system"])

    @property
    def user_id(self) -> int:
        """Id that opens a user's message."""
        return self.special_id(ROLE_TOKENS["user"])

    @property
    def assistant_id(self) -> int:
        """Id that opens an assistant's message."""
        return self.special_id(ROLE_TOKENS["assistant"])
