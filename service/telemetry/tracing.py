"""Switches OpenTelemetry on when the operator asks for it; nothing of it is imported otherwise."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from domain.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

    from service.setting_groups.telemetry import TracingSettings
    from service.telemetry.spans import SpanObserver

_tracer: Tracer | None = None


def configure_tracing(settings: TracingSettings, *, processor: SpanProcessor | None = None) -> SpanObserver | None:
    """Start tracing in this process.

    Args:
        settings: Where spans go, how many, and whether content goes with them.
        processor: Instead of the exporter that the settings name; tests pass an in-memory one.

    Returns:
        What watches LangChain's callbacks; None when tracing is off.

    Raises:
        MissingExtra: Tracing is asked for and OpenTelemetry is not installed.
    """
    global _tracer  # noqa: PLW0603 -- one tracer a process, as OpenTelemetry has it
    if settings.exporter == "none" and processor is None:
        _tracer = None
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

        from service.telemetry.spans import SpanObserver
    except ImportError:
        raise MissingExtra("tracing", "telemetry") from None
    provider = TracerProvider(
        resource=Resource.create({"service.name": "riddlewire", "service.version": _version()}),
        sampler=ParentBasedTraceIdRatio(settings.sample),
    )
    provider.add_span_processor(processor or _processor(settings))
    _tracer = provider.get_tracer("riddlewire")
    return SpanObserver(_tracer, content=settings.content)


def request_span(method: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
    """The span of one HTTP request, inside the caller's trace when it sent `traceparent`; nothing when tracing is off.

    Args:
        method: HTTP method.
        headers: The request's, by lower-case name.
    """
    return nullcontext() if _tracer is None else _request_span(_tracer, method, headers)


def name_request_span(route: str, status: int) -> None:
    """Tell the request's span what came of it, once that is known; nothing when tracing is off."""
    if _tracer is None:
        return
    from opentelemetry import trace

    span = trace.get_current_span()
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)


@contextmanager
def _request_span(tracer: Tracer, method: str, headers: Mapping[str, str]) -> Iterator[None]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    caller = TraceContextTextMapPropagator().extract(headers)
    attributes = {"http.request.method": method}
    with tracer.start_as_current_span(method, caller, kind=SpanKind.SERVER, attributes=attributes):
        yield


def _processor(settings: TracingSettings) -> SpanProcessor:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    if settings.exporter == "console":
        return BatchSpanProcessor(ConsoleSpanExporter())
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter())


def _version() -> str:
    from importlib.metadata import version

    return version("riddlewire")
