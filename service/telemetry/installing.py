"""Sets up logs, metrics and traces of a serving process, once."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from service.telemetry.logging import configure_logging

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler

    from domain import Usage
    from service.settings import Settings
    from service.telemetry.observer import Price

_installed: set[type] = set()


def setup(settings: Settings) -> None:
    """Logs as the settings say, and observers on every pipeline that this process runs from now on.

    Raises:
        MissingExtra: Tracing is asked for and OpenTelemetry is not installed.
    """
    from service.telemetry import metrics
    from service.telemetry.observer import MetricsObserver
    from service.telemetry.tracing import configure_tracing

    configure_logging(settings.log.level, settings.log.format)
    install(MetricsObserver(metrics.process, price=_price_table(settings)))
    spans = configure_tracing(settings.tracing)
    if spans is not None:
        install(spans)


def install(observer: BaseCallbackHandler) -> None:
    """Let an observer see all LangChain runs of this process; the second of a kind is ignored."""
    from langchain_core.tracers.context import register_configure_hook

    if type(observer) in _installed:
        return
    _installed.add(type(observer))
    # its default is what every context sees, also those of tasks and threads that are not ours
    seen: ContextVar[BaseCallbackHandler | None] = ContextVar(f"riddlewire_{type(observer).__name__}", default=observer)
    register_configure_hook(seen, inheritable=True)


def _price_table(settings: Settings) -> Price:
    from chains.models.names import ModelName
    from chains.models.prices import PriceTable

    table = PriceTable(settings.prices)

    def price(provider: str, model: str, usage: Usage) -> float | None:
        return table.priced(ModelName(provider, model), usage).cost_usd

    return price
