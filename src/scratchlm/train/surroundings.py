"""What a run is given besides model, objective, batches and config."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.transformer import Transformer
from scratchlm.train.identity import Identity, OnChange
from scratchlm.train.record import Observer

Hook = Callable[[int, Transformer], "float | None"]
"""Called as `hook(steps_done, model)` in evaluation mode; the validation figure, lower
is better, that it returns decides which checkpoint is the best."""
Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Surroundings:
    """Who watches a run, and what its checkpoints are held against."""

    metrics: MetricsWriter | None = None
    """Gets a row a step."""
    hooks: Sequence[Hook] = ()
    """Called every `hook_every_steps`, and at the end."""
    progress: Progress = SILENT
    observer: Observer | None = None
    """Who watches; by default lines on `progress`."""
    identity: Identity | None = None
    """What a checkpoint must agree with; None: settings, packages, processor."""
    on_change: OnChange = "refuse"
    """What to do where it does not."""
    decode: Decode | None = None
    """Ids to text, for the batches of events."""
    fresh: bool = False
    """The weights are random: the first loss is judged by ln V."""
