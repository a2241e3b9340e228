"""TEXT → IDS: split, count, train BPE or WordPiece, encode, decode, render, measure."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "CHAT_TEMPLATE": "chat",
        "SPECIAL_TOKENS": "special",
        "StreamDecoder": "stream",
        "Tokenizer": "tokenizer",
        "TokenizerConfig": "train",
        "WordCounts": "counts",
        "build_report": "report",
        "chat_template": "chat",
        "compare_tokenizers": "compare",
        "export_tokenizer": "exported",
        "import_tokenizer": "imported",
        "render_conversation": "chat",
        "sweep_sizes": "sweep",
        "to_huggingface_json": "huggingface",
        "train_from_counts": "train",
        "train_tokenizer": "train",
        "verify_export": "verify",
    },
)

if TYPE_CHECKING:
    from .chat import CHAT_TEMPLATE as CHAT_TEMPLATE
    from .chat import chat_template as chat_template
    from .chat import render_conversation as render_conversation
    from .compare import compare_tokenizers as compare_tokenizers
    from .counts import WordCounts as WordCounts
    from .exported import export_tokenizer as export_tokenizer
    from .huggingface import to_huggingface_json as to_huggingface_json
    from .imported import import_tokenizer as import_tokenizer
    from .report import build_report as build_report
    from .special import SPECIAL_TOKENS as SPECIAL_TOKENS
    from .stream import StreamDecoder as StreamDecoder
    from .sweep import sweep_sizes as sweep_sizes
    from .tokenizer import Tokenizer as Tokenizer
    from .train import TokenizerConfig as TokenizerConfig
    from .train import train_from_counts as train_from_counts
    from .train import train_tokenizer as train_tokenizer
    from .verify import verify_export as verify_export
