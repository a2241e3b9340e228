"""MODEL → CHATBOT: conversations as examples, supervised fine-tuning on them."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.finetune.config import FinetuneConfig as FinetuneConfig
    from scratchlm.finetune.config import TuningConfig as TuningConfig
    from scratchlm.finetune.conversations import Examples as Examples
    from scratchlm.finetune.conversations import build_examples as build_examples
    from scratchlm.finetune.sft import finetune as finetune

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Examples": "conversations",
        "FinetuneConfig": "config",
        "TuningConfig": "config",
        "build_examples": "conversations",
        "finetune": "sft",
    },
)
