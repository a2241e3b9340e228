"""MODEL → USERS: chat in the terminal."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from .conversation import Conversation as Conversation
    from .terminal import chat_in_terminal as chat_in_terminal

__getattr__, __dir__, __all__ = lazy_exports(
    __name__, {"Conversation": "conversation", "chat_in_terminal": "terminal"}
)
