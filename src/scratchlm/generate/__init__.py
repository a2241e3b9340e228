"""LOGITS → TEXT: the KV cache, sampling, and the engine that batches and streams."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from .cache import KVCache as KVCache
    from .config import Sampling as Sampling
    from .control import chat_stop_ids as chat_stop_ids
    from .control import forbidden_ids as forbidden_ids
    from .engine import generate as generate
    from .engine import stream as stream
    from .request import Completion as Completion
    from .sampling import sample as sample

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Completion": "request",
        "KVCache": "cache",
        "Sampling": "config",
        "chat_stop_ids": "control",
        "forbidden_ids": "control",
        "generate": "engine",
        "sample": "sampling",
        "stream": "engine",
    },
)
