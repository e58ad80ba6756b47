"""How many tokens a text has for a model, and how many a model takes.

| model | tokens counted | window |
|---|---|---|
| `embedded:` with byte-level BPE | exactly, by its own tokenizer | a slot's context, at most the model's |
| `transformers:` | exactly, once the model is loaded | its `max_position_embeddings` |
| anything else | estimated: a token for every 3 bytes of UTF-8 | `context_tokens`, else the price table's, else 8192 |

English has about 4.5 bytes a token with today's vocabularies, other Latin scripts 3 to 4, Chinese and Japanese 3 to 5:
the estimate counts too much rather than too little, so a budget made with it is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from chains.models.gguf_location import locate_gguf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chains.models.names import ModelName
    from chains.models.prices import PriceTable
    from chains.models.settings import ModelSettings

DEFAULT_WINDOW = 8192
BYTES_PER_TOKEN = 3
_REMEMBERED_TEXTS = 4096


class Measured(Protocol):
    """A model that knows its own window and tokens; `transformers:` models do."""

    @property
    def window(self) -> int: ...

    def count_tokens(self, text: str) -> int: ...


class Tokens:
    """Counts, remembering the counts of the last few thousand texts (examples come again and again).

    Args:
        settings: The engine's context and the windows an operator set.
        prices: Knows the windows of many models.
        opened: Gives a model that is open already, or None.
    """

    def __init__(
        self, settings: ModelSettings, prices: PriceTable, opened: Callable[[ModelName], object | None]
    ) -> None:
        self._settings = settings
        self._prices = prices
        self._opened = opened
        self._counters: dict[str, Callable[[str], int]] = {}

    def window(self, name: ModelName) -> int:
        """Tokens that prompt and answer may have together.

        Raises:
            ConfigurationError: An embedded model is not installed or its file not readable.
        """
        if set_by_operator := self._settings.provider(name.provider).context_tokens:
            return set_by_operator
        if name.provider == "embedded":
            trained = _context_of(locate_gguf(name.model))
            return min(self._settings.engine.context, trained or self._settings.engine.context)
        if measured := self._measured(name):
            return measured.window
        price = self._prices.price(name)
        return price.window if price and price.window else DEFAULT_WINDOW

    def count(self, name: ModelName, text: str) -> int:
        """Tokens of a text, without what a chat template adds around each message (4 to 8).

        Raises:
            ConfigurationError: An embedded model is not installed or its file not readable.
        """
        key = str(name)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counter(name)
            if name.provider != "transformers" or counter is not estimate:
                self._counters[key] = counter
        return counter(text)

    def _counter(self, name: ModelName) -> Callable[[str], int]:
        if name.provider == "embedded":
            tokenizer = _gguf_tokenizer(locate_gguf(name.model))
            return estimate if tokenizer is None else _remembering(lambda text: len(tokenizer.encode(text).ids))
        measured = self._measured(name)
        return estimate if measured is None else _remembering(measured.count_tokens)

    def _measured(self, name: ModelName) -> Measured | None:
        model: Any = self._opened(name)
        return model if name.provider == "transformers" else None


def estimate(text: str) -> int:
    """A token for every 3 bytes, rounded up."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def _remembering(count: Callable[[str], int]) -> Callable[[str], int]:
    return lru_cache(maxsize=_REMEMBERED_TEXTS)(count)


@lru_cache(maxsize=8)
def _context_of(path: Path) -> int | None:
    from chains.models.gguf_metadata import read_metadata

    metadata = read_metadata(path)
    length = metadata.get(f"{metadata.get('general.architecture')}.context_length")
    return int(length) if length else None


@lru_cache(maxsize=8)
def _gguf_tokenizer(path: Path) -> Any:
    from chains.models.gguf_metadata import read_metadata
    from chains.models.gguf_tokenizer import tokenizer_of

    return tokenizer_of(read_metadata(path))
