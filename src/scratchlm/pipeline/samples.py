"""What pretraining looks at on its way, and what the model writes meanwhile.

Samples are greedy continuations of fixed prompts, so that two looks differ by the model
alone: beginnings of held-out text, and one's own (`train.tracking.prompts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from scratchlm.base.metrics import MetricsWriter
from scratchlm.corpus.document import Document
from scratchlm.data import TokenStore
from scratchlm.generate import generate
from scratchlm.model import ModelConfig, Transformer
from scratchlm.model.counts import count_multiplied
from scratchlm.pipeline.looks import (
    UNIT_ROWS,
    HeldoutHook,
    SourceHook,
    UnitsHook,
    Verdict,
    rows_by_source,
)
from scratchlm.pipeline.looks import spread_rows as spread_rows
from scratchlm.plan.scaling import effective_tokens
from scratchlm.tokenizer import Tokenizer
from scratchlm.train.config import TrainConfig
from scratchlm.train.expected_loss import loss_band
from scratchlm.train.leakage import find_leakage
from scratchlm.train.tracking_config import TrackingConfig

Hook = Callable[[int, Transformer], float | None]
Note = Callable[[str], object]

PROMPT_TOKENS = 24
NEW_TOKENS = 48
N_PROMPTS = 3


class SampleHook:
    """Writes what the model makes of fixed beginnings to `samples.jsonl`."""

    def __init__(
        self,
        store: TokenStore,
        tokenizer: Tokenizer,
        path: Path,
        prompts: Sequence[str] = (),
    ) -> None:
        rows = spread_rows(store, PROMPT_TOKENS, N_PROMPTS)
        own = [
            tokenizer.encode(prompt) or [tokenizer.endoftext_id] for prompt in prompts
        ]
        self._prompts = [*(row.tolist() for row in rows), *own]
        self._tokenizer = tokenizer
        self._path = path

    def __call__(self, done: int, model: Transformer) -> None:
        """Continue each prompt and write one row; a repeated look replaces itself."""
        most = model.config.context_length - 1
        prompts = [prompt[-most:] for prompt in self._prompts]
        room = model.config.context_length - max(map(len, prompts), default=0)
        completions = generate(
            model,
            prompts,
            max_new_tokens=min(NEW_TOKENS, room),
            stop_ids=(self._tokenizer.endoftext_id,),
        )
        values: dict[str, float | int | str] = {}
        for i, (prompt, completion) in enumerate(
            zip(prompts, completions, strict=True)
        ):
            values[f"samples/{i}_prompt"] = self._tokenizer.decode(prompt)
            values[f"samples/{i}_text"] = self._tokenizer.decode(completion.ids)
        with MetricsWriter(self._path, "train") as samples:
            samples.drop_after(done - 1)
            samples.write(done, values)


def build_hooks(
    data_directory: Path,
    tokenizer: Tokenizer,
    context_length: int,
    metrics: MetricsWriter,
    samples_path: Path,
    *,
    tracking: TrackingConfig | None = None,
    documents: Iterable[Document] = (),
    note: Note | None = None,
    verdict: Verdict | None = None,
) -> list[Hook]:
    """The hooks of pretraining; fewer where there is too little held-out text.

    Args:
        data_directory: shards with a split `heldout`.
        tokenizer: of these shards.
        context_length: T.
        metrics: gets their figures.
        samples_path: gets what the model writes.
        tracking: which looks are wanted.
        documents: held-out documents, for the loss of each source.
        note: gets a line where a look finds something odd.
        verdict: of `expect_loss`, told of every held-out figure.
    """
    tracking = tracking or TrackingConfig()
    store = TokenStore.open(data_directory, "heldout")
    hooks: list[Hook] = []
    if len(store) > context_length:
        hooks.append(HeldoutHook(store, tokenizer, context_length, metrics, verdict))
        if note is not None and tracking.sanity:
            rows = spread_rows(store, context_length + 1, UNIT_ROWS)
            hooks.append(UnitsHook(rows, metrics, note))
    if tracking.sources:
        sources = rows_by_source(documents, tokenizer, context_length)
        if sources:
            hooks.append(SourceHook(sources, tokenizer, metrics))
    if len(store) >= PROMPT_TOKENS and context_length > PROMPT_TOKENS:
        hooks.append(SampleHook(store, tokenizer, samples_path, tracking.prompts))
    return hooks


def expect_loss(
    model: ModelConfig, train: TrainConfig, unique_tokens: int, note: Note
) -> Verdict | None:
    """Say what this size and so many tokens usually reach; judge the run's end by it.

    Args:
        model: its size.
        train: how many tokens are read.
        unique_tokens: of the training split; repeats are worth less.
        note: gets a line now and one at the end.

    Returns:
        What `build_hooks` takes as `verdict`; None where nothing is expected.
    """
    epochs = train.total_tokens / max(unique_tokens, 1)
    worth = effective_tokens(unique_tokens, epochs)
    band = loss_band(count_multiplied(model), worth)
    if band is None or not train.tracking.sanity:
        return None
    note(f"  sanity: models of this size end at {band} after so many tokens")

    def judge(done: int, bits_per_byte: float) -> None:
        if done == train.total_steps:
            note(str(band.judge(bits_per_byte)))

    return judge


def note_leakage(
    data_directory: Path, tokenizer: Tokenizer, tracking: TrackingConfig, note: Note
) -> None:
    """Say how much of the held-out text the training text holds too."""
    if not tracking.sanity or not tracking.leakage_tokens:
        return
    heldout = TokenStore.open(data_directory, "heldout")
    train = TokenStore.open(data_directory, "train")
    leakage = find_leakage(train, heldout, tracking.leakage_tokens)
    begin, length = leakage.longest
    passage = tokenizer.decode(heldout[begin : begin + min(length, 32)].tolist())
    note(str(leakage.judge(passage)))
