"""Watches LangChain's callbacks and counts model calls and riddles: pipelines need to know nothing of metrics."""

# ruff: noqa: ARG002 -- LangChain's signatures

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage

from chains.models.usage import usage_of
from domain import Riddle, Usage
from service.limits.errors import BudgetExhausted

if TYPE_CHECKING:
    from uuid import UUID

    from langchain_core.outputs import LLMResult

    from service.telemetry.metrics import Metrics

Price = Callable[[str, str, Usage], float | None]
"""US dollars of a call by provider, model and tokens; None where the price is not known."""

_LOST = 10_000
"""Calls that never ended, such as cancelled ones, are forgotten when so many have piled up."""


class MetricsObserver(BaseCallbackHandler):
    """Feeds metrics from callbacks.

    Args:
        metrics: Where to count.
        price: What calls cost.
    """

    run_inline = True  # a thread for each event would cost more than the event
    hears_steps = False  # pipelines and model calls are all it counts

    def __init__(self, metrics: Metrics, price: Price = lambda _provider, _model, _usage: None) -> None:
        self._metrics = metrics
        self._price = price
        self._calls: dict[UUID, tuple[float, str, str]] = {}
        self._roots: dict[UUID, str] = {}

    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: UUID, metadata: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Remember when a call began."""
        forget_lost(self._calls)
        self._calls[run_id] = (time.perf_counter(), *model_of(metadata))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """Count a call that answered."""
        if (call := self._calls.pop(run_id, None)) is None:
            return
        started, provider, model = call
        usage = usage_in(response)
        if usage is not None:
            usage = replace(usage, cost_usd=self._price(provider, model, usage))
        seconds = time.perf_counter() - started
        self._metrics.observe_model_call(provider, model, outcome="ok", seconds=seconds, usage=usage)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Count a call that failed."""
        if (call := self._calls.pop(run_id, None)) is None:
            return
        started, provider, model = call
        seconds = time.perf_counter() - started
        self._metrics.observe_model_call(provider, model, outcome=type(error).__name__, seconds=seconds)

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any
    ) -> None:
        """Remember the name of a pipeline that begins."""
        if parent_run_id is None:
            forget_lost(self._roots)
            self._roots[run_id] = str(more.get("name") or "unknown")

    def on_chain_end(self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any) -> None:
        """Count a pipeline that ended in a riddle."""
        if parent_run_id is None:
            self._roots.pop(run_id, None)
        if isinstance(outputs, Riddle):
            self._metrics.observe_riddle(outputs)

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any
    ) -> None:
        """Count a pipeline that ended in an error, unless a spent budget only put its article off."""
        name = self._roots.pop(run_id, None) if parent_run_id is None else None
        if name is not None and not isinstance(error, BudgetExhausted):
            self._metrics.observe_failure(name)


def model_of(metadata: dict[str, Any] | None) -> tuple[str, str]:
    """Provider and model as LangChain's run metadata name them."""
    known = metadata or {}
    return str(known.get("ls_provider") or "unknown"), str(known.get("ls_model_name") or "unknown")


def usage_in(response: LLMResult) -> Usage | None:
    """The tokens an answer reports; None when it reports none."""
    return next((usage_of(message) for message in answers_in(response)), None)


def answers_in(response: LLMResult) -> list[AIMessage]:
    """The messages of an answer: one for each candidate that was asked for."""
    found = (getattr(generation, "message", None) for each in response.generations for generation in each)
    return [message for message in found if isinstance(message, AIMessage)]


def forget_lost(open_runs: dict[UUID, Any]) -> None:
    """Drop the oldest of too many runs that never ended."""
    while len(open_runs) >= _LOST:
        open_runs.pop(next(iter(open_runs)), None)
