"""MODEL → OTHERS: Hugging Face directory, GGUF, own safetensors, model card."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.export.architecture import RefusalError as RefusalError
    from scratchlm.export.architecture import (
        choose_architecture as choose_architecture,
    )
    from scratchlm.export.artefacts import export as export
    from scratchlm.export.card import build_card as build_card
    from scratchlm.export.config import ExportConfig as ExportConfig
    from scratchlm.export.gguf import write_gguf as write_gguf
    from scratchlm.export.huggingface import write_huggingface as write_huggingface
    from scratchlm.export.source import Source as Source
    from scratchlm.export.source import read_source as read_source

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "ExportConfig": "config",
        "RefusalError": "architecture",
        "Source": "source",
        "build_card": "card",
        "choose_architecture": "architecture",
        "export": "artefacts",
        "read_source": "source",
        "write_gguf": "gguf",
        "write_huggingface": "huggingface",
    },
)
