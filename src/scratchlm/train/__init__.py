"""LOSS ↓: the only training loop, and what it is made of."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.train.config import TrainConfig as TrainConfig
    from scratchlm.train.loop import TrainResult as TrainResult
    from scratchlm.train.loop import train as train
    from scratchlm.train.objective import NextToken as NextToken
    from scratchlm.train.objective import Objective as Objective
    from scratchlm.train.pretraining import pretrain as pretrain

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "NextToken": "objective",
        "Objective": "objective",
        "TrainConfig": "config",
        "TrainResult": "loop",
        "pretrain": "pretraining",
        "train": "loop",
    },
)
