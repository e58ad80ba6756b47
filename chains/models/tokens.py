"""How many tokens a text has for a model, and how many a model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chains.models.names import ModelName
    from chains.models.settings import ModelSettings

DEFAULT_WINDOW = 8192
BYTES_PER_TOKEN = 3


class Tokens:
    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings

    def window(self, name: ModelName) -> int:
        if name.provider == "embedded":
            return self._settings.engine.context
        return self._settings.provider(name.provider).context_tokens or DEFAULT_WINDOW

    def count(self, name: ModelName, text: str) -> int:
        return -(-len(text.encode()) // BYTES_PER_TOKEN)
