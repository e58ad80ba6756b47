"""The price table: what models cost and how much text they take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from domain.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chains.models.names import ModelName
    from domain.usage import Usage

_SHIPPED = Path(__file__).parents[1] / "data" / "prices.yaml"
_MILLION = 1_000_000
_DATE_DIGITS = 8
_FREE = frozenset({"embedded", "transformers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens.

    Args:
        input: Prompt tokens.
        output: Generated tokens.
        cached: Prompt tokens the provider had cached; None is the same as `input`.
        window: Tokens of prompt and answer together; None where nobody told us.
    """

    input: float
    output: float
    cached: float | None = None
    window: int | None = None

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing, whatever is used."""
        return not (self.input or self.output or self.cached)

    def of(self, usage: Usage) -> float:
        """What these tokens cost, in US dollars."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - usage.cached_tokens
        total = fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output
        return total / _MILLION


_NOTHING = Price(input=0.0, output=0.0)


class PriceTable:
    """Prices by `provider:model`. A dated name (`gpt-4o-2024-08-06`) has its own price or that of its family.

    Args:
        own: A table of the operator's, laid over the shipped one; both in the form of `chains/data/prices.yaml`.

    Raises:
        InvalidFile: The operator's table cannot be read.
    """

    def __init__(self, own: Path | None = None) -> None:
        self._own = _read_own(own) if own is not None else {}
        self._found: dict[ModelName, Price | None] = {}

    def price(self, name: ModelName) -> Price | None:
        """The price, or None where nobody told us: unknown is not free."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def _look_up(self, name: ModelName) -> Price | None:
        full = str(name)
        for table in (self._own, self._shipped if name.provider not in _FREE else {}):
            if known := table.get(full) or table.get(_family(full)):
                return known
        return _NOTHING if name.provider in _FREE else None

    def priced(self, name: ModelName, usage: Usage) -> Usage:
        """The same usage with its cost."""
        price = self.price(name)
        return replace(usage, cost_usd=price.of(usage) if price else None)

    @cached_property
    def _shipped(self) -> dict[str, Price]:
        return _prices(_load(_SHIPPED.read_text(encoding="utf-8")))


def _family(name: str) -> str:
    """The name without the date that providers put at its end: `-2024-08-06`, `-20240806`."""
    parts = name.split("-")
    for length in (3, 1):
        date = "".join(parts[-length:])
        if len(parts) > length and len(date) == _DATE_DIGITS and date.isdecimal():
            return "-".join(parts[:-length])
    return name


def _read_own(path: Path) -> dict[str, Price]:
    try:
        return _prices(_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidFile(path, None, f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvalidFile(path, None, f"is no price table like chains/data/prices.yaml: {error}") from error


def _load(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- both are safe loaders


def _prices(table: Mapping[str, Any]) -> dict[str, Price]:
    return {
        f"{provider}:{model}": _price(price)
        for provider, models in table["prices"].items()
        for model, price in models.items()
    }


def _price(row: Mapping[str, float]) -> Price:
    if unknown := set(row) - {"input", "output", "cached", "window"}:
        raise KeyError(f"unknown {', '.join(sorted(unknown))}")
    return Price(
        input=float(row["input"]),
        output=float(row["output"]),
        cached=float(row["cached"]) if "cached" in row else None,
        window=int(row["window"]) if "window" in row else None,
    )
