"""Turns LangChain's callbacks into OpenTelemetry spans: pipeline, its steps, and the chat calls inside them.

Imported only when tracing is on. What articles, prompts and answers say stays out unless asked for.
"""

# ruff: noqa: ARG002 -- LangChain's signatures

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from domain import Riddle, StepRecord
from service.telemetry import genai
from service.telemetry.logging import masked
from service.telemetry.observer import answers_in, forget_lost, model_of, usage_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult
    from opentelemetry.trace import Span, Tracer

    from domain import Usage

_RETRIEVE = "retrieve"


@dataclass(slots=True)
class _Open:
    """A span that has not ended."""

    span: Span
    started: float = field(default_factory=time.perf_counter)
    has_first_chunk: bool = False


class SpanObserver(BaseCallbackHandler):
    """Opens and closes spans as runs begin and end.

    Args:
        tracer: Where spans go.
        content: Whether prompts and answers are put into the spans.
    """

    run_inline = True  # a thread for each event would cost more than the event

    def __init__(self, tracer: Tracer, *, content: bool = False) -> None:
        self._tracer = tracer
        self._content = content
        self._open: dict[UUID, _Open] = {}

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any
    ) -> None:
        """Open the span of a pipeline or of a step."""
        name = str(more.get("name") or "chain")
        if parent_run_id is None:
            attributes = {genai.OPERATION: genai.WORKFLOW, genai.WORKFLOW_NAME: name}
            name = f"{genai.WORKFLOW} {name}"
        else:
            attributes = {genai.STEP: name}
            if name == _RETRIEVE:
                attributes[genai.OPERATION] = genai.RETRIEVAL
        self._start(name, run_id, parent_run_id, SpanKind.INTERNAL, attributes)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        """Close it, with what it came to."""
        self._end(run_id, _outcome(outputs))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Close it as failed."""
        self._fail(run_id, error)

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: Sequence[Sequence[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Open the span of a model call."""
        provider, model = model_of(metadata)
        attributes: dict[str, Any] = {
            genai.OPERATION: genai.CHAT,
            genai.PROVIDER: provider,
            genai.REQUEST_MODEL: model,
            **_settings(more.get("invocation_params") or {}),
        }
        if self._content:
            attributes[genai.INPUT_MESSAGES] = _messages(messages[0])
        self._start(f"{genai.CHAT} {model}", run_id, parent_run_id, SpanKind.CLIENT, attributes)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **_: Any) -> None:
        """Note when the first piece of an answer came."""
        found = self._open.get(run_id)
        if found is not None and not found.has_first_chunk:
            found.has_first_chunk = True
            found.span.set_attribute(genai.TIME_TO_FIRST_CHUNK, time.perf_counter() - found.started)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """Close it, with tokens and how it ended."""
        attributes = _usage(usage_in(response))
        if answers := answers_in(response):
            told = [message.response_metadata for message in answers]
            attributes[genai.FINISH_REASONS] = [
                str(each.get("finish_reason") or each.get("stop_reason") or "unknown") for each in told
            ]
            if model := told[0].get("model_name"):
                attributes[genai.RESPONSE_MODEL] = str(model)
            if self._content:
                attributes[genai.OUTPUT_MESSAGES] = _messages(answers)
        self._end(run_id, attributes)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Close it as failed."""
        self._fail(run_id, error)

    def _start(
        self, name: str, run_id: UUID, parent_id: UUID | None, kind: SpanKind, attributes: Mapping[str, Any]
    ) -> None:
        forget_lost(self._open)
        parent = self._open.get(parent_id) if parent_id is not None else None
        context = trace.set_span_in_context(parent.span) if parent is not None else None
        self._open[run_id] = _Open(self._tracer.start_span(name, context, kind=kind, attributes=attributes))

    def _end(self, run_id: UUID, attributes: Mapping[str, Any]) -> None:
        if (found := self._open.pop(run_id, None)) is not None:
            found.span.set_attributes(attributes)
            found.span.end()

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        if (found := self._open.pop(run_id, None)) is not None:
            found.span.set_attribute(genai.ERROR, type(error).__qualname__)
            found.span.set_status(Status(StatusCode.ERROR, masked(str(error))))
            found.span.end()


def _outcome(outputs: Any) -> dict[str, Any]:
    if isinstance(outputs, Riddle):
        failed = [check.name for check in outputs.checks if not check.passed]
        return {
            genai.STATUS: outputs.status,
            genai.ATTEMPTS: outputs.attempts,
            genai.FAILED_CHECKS: failed,
            **_usage(outputs.usage),
        }
    record = getattr(outputs, "record", None)
    if isinstance(record, StepRecord):
        return {genai.PROMPT_NAME: record.prompt, genai.EXAMPLE_IDS: list(record.example_ids)}
    return {}


def _usage(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    found: dict[str, Any] = {genai.INPUT_TOKENS: usage.input_tokens, genai.OUTPUT_TOKENS: usage.output_tokens}
    if usage.cached_tokens:
        found[genai.CACHED_TOKENS] = usage.cached_tokens
    if usage.cost_usd is not None:
        found[genai.COST] = usage.cost_usd
    return found


def _settings(call: Mapping[str, Any]) -> dict[str, Any]:
    return {
        attribute: call[name]
        for name, attribute in genai.REQUEST_SETTINGS.items()
        if isinstance(call.get(name), int | float)
    }


def _messages(messages: Sequence[BaseMessage]) -> str:
    roles = {"human": "user", "ai": "assistant"}
    told = [
        {"role": roles.get(message.type, message.type), "parts": [{"type": "text", "content": message.text}]}
        for message in messages
    ]
    return json.dumps(told, ensure_ascii=False)
