"""Decode ids as they come: only whole characters, in the end the same text."""

import codecs

from scratchlm.tokenizer.tokenizer import Tokenizer


class StreamDecoder:
    """Turns ids into text one by one; holds back bytes of an unfinished character.

    What all `push` return, joined with `flush`, equals `tokenizer.decode` of all ids.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._begun = False

    def push(self, token: int) -> str:
        """Take one id; return the text that is now certain, perhaps empty."""
        if self._begun:
            data = self._tokenizer.token_bytes(token)
        else:  # the first word of BERT's form has no space before it
            data = self._tokenizer.decode_bytes([token])
        self._begun = self._begun or bool(data)
        return self._decoder.decode(data)

    def flush(self) -> str:
        """End the text; an unfinished character becomes U+FFFD."""
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        self._begun = False
        return text
