"""What an answer used, and what that costs by the price table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from domain.errors import InvalidFile
from domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from langchain_core.messages import AIMessage

    from chains.models.names import ModelName

_MILLION = 1_000_000
_SHIPPED = Path(__file__).parents[1] / "data" / "prices.yaml"
_FREE = frozenset({"embedded", "transformers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens.

    Args:
        input: Prompt tokens.
        output: Generated tokens.
        cached: Prompt tokens the provider had cached; None is the same as `input`.
    """

    input: float
    output: float
    cached: float | None = None

    def of(self, usage: Usage) -> float:
        """What these tokens cost, in US dollars."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - usage.cached_tokens
        total = fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output
        return total / _MILLION


_NOTHING = Price(input=0.0, output=0.0)


class PriceTable:
    """Prices by `provider:model`. A dated name (`gpt-4o-2024-08-06`) has the price of its own or of its family.

    Args:
        own: A table of the operator's, laid over the shipped one; both in the form of `chains/data/prices.yaml`.

    Raises:
        InvalidFile: A table cannot be read as prices.
    """

    def __init__(self, own: Path | None = None) -> None:
        self._prices = _read(yaml.safe_load(_SHIPPED.read_text(encoding="utf-8")))
        if own is not None:
            self._prices |= _read_own(own)

    def price(self, name: ModelName) -> Price | None:
        """The price, or None where nobody told us: unknown is not free."""
        known = self._prices.get(str(name)) or self._prices.get(_family(str(name)))
        return known or (_NOTHING if name.provider in _FREE else None)

    def priced(self, name: ModelName, usage: Usage) -> Usage:
        """The same usage with its cost."""
        price = self.price(name)
        return Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            cost_usd=price.of(usage) if price else None,
            calls=usage.calls,
        )


def usage_of(message: AIMessage) -> Usage | None:
    """The tokens an answer reports; None when it reports none."""
    reported = message.usage_metadata
    if reported is None:
        return None
    return Usage(
        input_tokens=reported["input_tokens"],
        output_tokens=reported["output_tokens"],
        cached_tokens=reported.get("input_token_details", {}).get("cache_read", 0),
        calls=1,
    )


def _family(name: str) -> str:
    """Without the date that providers put at the end: `-2024-08-06`, `-20240806`."""
    parts = name.split("-")
    for dated in (3, 1):
        tail = "".join(parts[-dated:])
        if len(parts) > dated and len(tail) == 8 and tail.isdecimal():
            return "-".join(parts[:-dated])
    return name


def _read_own(path: Path) -> dict[str, Price]:
    try:
        return _read(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidFile(path, None, f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvalidFile(path, None, f"is no price table like chains/data/prices.yaml: {error}") from error


def _read(table: Mapping[str, Any]) -> dict[str, Price]:
    return {
        f"{provider}:{model}": Price(**{kind: float(value) for kind, value in price.items()})
        for provider, models in table["prices"].items()
        for model, price in models.items()
    }
