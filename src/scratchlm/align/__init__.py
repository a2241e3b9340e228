"""CHATBOT → PREFERRED: preference pairs, the DPO loss, accuracy on held-out pairs."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.align.accuracy import PairScore as PairScore
    from scratchlm.align.accuracy import compare_accuracy as compare_accuracy
    from scratchlm.align.accuracy import preference_accuracy as preference_accuracy
    from scratchlm.align.accuracy import summarise_accuracy as summarise_accuracy
    from scratchlm.align.alignment import align as align
    from scratchlm.align.config import AlignConfig as AlignConfig
    from scratchlm.align.dpo import dpo_loss as dpo_loss
    from scratchlm.align.pairs import Pairs as Pairs
    from scratchlm.align.pairs import build_pairs as build_pairs

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "AlignConfig": "config",
        "PairScore": "accuracy",
        "Pairs": "pairs",
        "align": "alignment",
        "build_pairs": "pairs",
        "compare_accuracy": "accuracy",
        "dpo_loss": "dpo",
        "preference_accuracy": "accuracy",
        "summarise_accuracy": "accuracy",
    },
)
