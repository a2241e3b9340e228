"""MODEL → NUMBERS: bits per byte, questions with known answers, with intervals.

The function `bits_per_byte` has its module's name and is imported from there:
`from scratchlm.evaluate.bits_per_byte import bits_per_byte`.
"""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.evaluate.bits_per_byte import BitsPerByte as BitsPerByte
    from scratchlm.evaluate.bits_per_byte import DocumentBits as DocumentBits
    from scratchlm.evaluate.compression import Compression as Compression
    from scratchlm.evaluate.compression import (
        measure_compression as measure_compression,
    )
    from scratchlm.evaluate.config import EvaluateConfig as EvaluateConfig
    from scratchlm.evaluate.conversations import Answer as Answer
    from scratchlm.evaluate.conversations import compare_answers as compare_answers
    from scratchlm.evaluate.conversations import (
        evaluate_conversations as evaluate_conversations,
    )
    from scratchlm.evaluate.evaluate import evaluate_base as evaluate_base
    from scratchlm.evaluate.evaluate import evaluate_chat as evaluate_chat
    from scratchlm.evaluate.evaluate import select_documents as select_documents
    from scratchlm.evaluate.match import token_f1 as token_f1

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Answer": "conversations",
        "BitsPerByte": "bits_per_byte",
        "Compression": "compression",
        "DocumentBits": "bits_per_byte",
        "EvaluateConfig": "config",
        "compare_answers": "conversations",
        "evaluate_base": "evaluate",
        "evaluate_chat": "evaluate",
        "evaluate_conversations": "conversations",
        "measure_compression": "compression",
        "select_documents": "evaluate",
        "token_f1": "match",
    },
)
