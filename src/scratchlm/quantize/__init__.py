"""MODEL → SMALL: round-to-nearest and activation-aware (AWQ) 4-bit weights."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from .config import QuantizeConfig as QuantizeConfig
    from .stage import quantize as quantize

__getattr__, __dir__, __all__ = lazy_exports(
    __name__, {"QuantizeConfig": "config", "quantize": "stage"}
)
