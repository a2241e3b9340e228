"""IDS → BATCHES: shards on disk, a store over them, rows in a resumable order."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Batch": "batches",
        "Blend": "blend",
        "Cursor": "loader",
        "DataConfig": "build",
        "DataReport": "inspection",
        "ExampleBatches": "examples",
        "Loader": "loader",
        "PackedBatches": "packed",
        "Packing": "packing_plan",
        "ParquetTexts": "texts",
        "PlainTexts": "texts",
        "RowSource": "batches",
        "Texts": "texts",
        "TokenBatches": "batches",
        "TokenStore": "store",
        "build_shards": "build",
        "inspect_data": "inspection",
        "pack_best_fit": "packing",
        "pack_documents": "packing_plan",
        "permute": "permutation",
        "quotas_of_epochs": "blend",
        "quotas_of_weights": "blend",
    },
)

if TYPE_CHECKING:
    from .batches import Batch as Batch
    from .batches import RowSource as RowSource
    from .batches import TokenBatches as TokenBatches
    from .blend import Blend as Blend
    from .blend import quotas_of_epochs as quotas_of_epochs
    from .blend import quotas_of_weights as quotas_of_weights
    from .build import DataConfig as DataConfig
    from .build import build_shards as build_shards
    from .examples import ExampleBatches as ExampleBatches
    from .inspection import DataReport as DataReport
    from .inspection import inspect_data as inspect_data
    from .loader import Cursor as Cursor
    from .loader import Loader as Loader
    from .packed import PackedBatches as PackedBatches
    from .packing import pack_best_fit as pack_best_fit
    from .packing_plan import Packing as Packing
    from .packing_plan import pack_documents as pack_documents
    from .permutation import permute as permute
    from .store import TokenStore as TokenStore
    from .texts import ParquetTexts as ParquetTexts
    from .texts import PlainTexts as PlainTexts
    from .texts import Texts as Texts
