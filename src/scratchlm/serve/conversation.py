"""One conversation with a model: what was said, kept within the context, streamed.

When the conversation outgrows the model's context, its oldest exchanges are forgotten;
a system message stays.
"""

from collections.abc import Generator, Iterator

from scratchlm.base.errors import UserError
from scratchlm.generate.config import Sampling
from scratchlm.generate.control import chat_stop_ids, forbidden_ids
from scratchlm.generate.engine import stream
from scratchlm.model.transformer import Transformer
from scratchlm.tokenizer.chat import Message, render_conversation
from scratchlm.tokenizer.stream import StreamDecoder
from scratchlm.tokenizer.tokenizer import Tokenizer


class Conversation:
    """The messages so far, and the model that answers them.

    Args:
        model: in evaluation mode.
        tokenizer: the model's own.
        sampling: greedy where None; answer i draws its chance from seed + i.
        max_new_tokens: longest answer.
        system: a message that opens the conversation and is never forgotten.
    """

    def __init__(
        self,
        model: Transformer,
        tokenizer: Tokenizer,
        sampling: Sampling | None = None,
        max_new_tokens: int = 256,
        system: str | None = None,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.sampling = sampling or Sampling()
        self.max_new_tokens = max_new_tokens
        self.system: list[Message] = (
            [] if system is None else [{"role": "system", "content": system}]
        )
        self.messages: list[Message] = []
        self.n_answers = 0

    def reset(self) -> None:
        """Forget what was said."""
        self.messages = []

    def answer(self, question: str) -> Generator[str, None, None]:
        """Answer, piece by piece; the pieces joined are the answer.

        The exchange joins the conversation when the iterator ends or is closed; what
        had been said by then counts as the answer.

        Raises:
            UserError: the question alone is too long for the context; the
                conversation stays as it was.
        """
        asked: Message = {"role": "user", "content": question}
        prompt = self._fit([*self.messages, asked])
        sampling = self.sampling.model_copy(
            update={"seed": self.sampling.seed + self.n_answers}
        )
        said: list[str] = []
        try:
            for piece in self._stream(prompt, sampling):
                said.append(piece)
                yield piece
        finally:
            self.n_answers += 1
            answer: Message = {"role": "assistant", "content": "".join(said)}
            self.messages += [asked, answer]

    def _stream(self, prompt: list[int], sampling: Sampling) -> Iterator[str]:
        decoder = StreamDecoder(self.tokenizer)
        ids = stream(
            self.model,
            prompt,
            self.max_new_tokens,
            chat_stop_ids(self.tokenizer),
            sampling,
            forbidden_ids(self.tokenizer),
        )
        for id in ids:
            if piece := decoder.push(id):
                yield piece
        if piece := decoder.flush():
            yield piece

    def _fit(self, messages: list[Message]) -> list[int]:
        """Render the latest messages that leave room for an answer."""
        context_length = self.model.config.context_length
        room = min(self.max_new_tokens, context_length // 4)
        while True:
            ids, _ = render_conversation(
                self.tokenizer, [*self.system, *messages], add_generation_prompt=True
            )
            if len(ids) + room <= context_length:
                self.messages = messages[:-1]
                return ids
            if len(messages) == 1:
                raise UserError(
                    f"this question takes {len(ids)} tokens, and the model's context "
                    f"of {context_length} must also hold the answer; shorten it"
                )
            messages = messages[2:]
