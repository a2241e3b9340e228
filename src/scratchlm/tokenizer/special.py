"""The control tokens: the last sixteen ids of every vocabulary, in this order.

Text is never encoded to one of them; only the chat renderer and the builder of
training data write them. Padding is a token of its own, never the end of a text.
"""

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
