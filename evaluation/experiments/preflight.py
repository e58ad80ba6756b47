"""Everything that can be found wrong before the first paid call."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING

from domain.errors import MissingExtra
from evaluation.errors import UnknownPrice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chains.models import ChatModels
    from evaluation.manifest import Manifest


_NEEDED = ("rouge_score", "pronouncing", "scipy")
"""What evaluators import when they score: too late, after everything was paid for."""


def require_evaluators() -> None:
    """Refuse to make what could not be scored.

    Raises:
        MissingExtra: The extra `eval` is not installed.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtra("evaluation", "eval")


def models_of(manifest: Manifest) -> list[str]:
    """All models an experiment calls, each once."""
    own = (model for pipeline in manifest.pipelines for model in pipeline.models)
    return list(dict.fromkeys([*own, *filter(None, (manifest.solver, manifest.judge))]))


async def open_models(models: ChatModels, names: Iterable[str]) -> None:
    """Open every model once, so that a missing package, key or file is told now.

    Raises:
        ConfigurationError: One cannot be opened; the message says what to do.
    """
    for name in names:
        await asyncio.to_thread(models.get, name)


def require_prices(models: ChatModels, names: Iterable[str]) -> None:
    """Refuse a budget that cannot be kept.

    Raises:
        UnknownPrice: Nobody told what a model costs.
    """
    from chains.models.names import ModelName
    from chains.models.prices import PriceTable

    prices = PriceTable(models.settings.prices)
    unknown = [name for name in names if prices.price(ModelName.parse(name)) is None]
    if unknown:
        raise UnknownPrice(unknown)
