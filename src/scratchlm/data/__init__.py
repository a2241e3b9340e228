"""IDS → BATCHES: shards on disk, a store over them, rows in a resumable order."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Batch": "batches",
        "DataConfig": "build",
        "ExampleBatches": "examples",
        "TokenBatches": "batches",
        "TokenStore": "store",
        "build_shards": "build",
        "pack_best_fit": "packing",
        "permute": "permutation",
    },
)

if TYPE_CHECKING:
    from .batches import Batch as Batch
    from .batches import TokenBatches as TokenBatches
    from .build import DataConfig as DataConfig
    from .build import build_shards as build_shards
    from .examples import ExampleBatches as ExampleBatches
    from .packing import pack_best_fit as pack_best_fit
    from .permutation import permute as permute
    from .store import TokenStore as TokenStore
