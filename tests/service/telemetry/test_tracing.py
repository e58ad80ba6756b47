from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as official
from opentelemetry.trace import SpanKind, StatusCode

from domain.errors import ProviderBadAnswer
from service.setting_groups.telemetry import TracingSettings
from service.telemetry import genai
from service.telemetry.tracing import configure_tracing, name_request_span, request_span
from tests.service.telemetry.runs import Model, Pipeline, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan


@pytest.fixture
def memory() -> Iterator[InMemorySpanExporter]:
    yield InMemorySpanExporter()
    configure_tracing(TracingSettings())


async def trace(memory: InMemorySpanExporter, pipeline: Pipeline, **settings: Any) -> dict[str, ReadableSpan]:
    observer = configure_tracing(TracingSettings(**settings), processor=SimpleSpanProcessor(memory))
    assert observer is not None
    await pipeline.ainvoke("a secret article", {"callbacks": [observer]})
    assert observer._open == {}
    return {span.name: span for span in memory.get_finished_spans()}


def parent(spans: dict[str, ReadableSpan], name: str) -> str | None:
    above = spans[name].parent
    return None if above is None else next(n for n, s in spans.items() if s.get_span_context() == above)


async def test_spans_stand_in_each_other_as_the_steps_do(memory: InMemorySpanExporter) -> None:
    spans = await trace(memory, Pipeline(Step("retrieve", None), Step("riddle", Model())))

    assert list(spans) == ["retrieve", "chat small", "riddle", "invoke_workflow embedded"]
    assert parent(spans, "chat small") == "riddle"
    assert parent(spans, "riddle") == "invoke_workflow embedded"
    assert parent(spans, "retrieve") == "invoke_workflow embedded"
    assert parent(spans, "invoke_workflow embedded") is None


async def test_a_model_call_has_the_attributes_of_the_convention(memory: InMemorySpanExporter) -> None:
    span = (await trace(memory, Pipeline(Step("riddle", Model()))))["chat small"]

    assert span.kind is SpanKind.CLIENT
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.response.model": "small-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 20,
    }


async def test_steps_and_pipeline_tell_prompt_examples_and_outcome(memory: InMemorySpanExporter) -> None:
    spans = await trace(memory, Pipeline(Step("riddle", Model())))

    step, whole = spans["riddle"].attributes, spans["invoke_workflow embedded"].attributes
    assert step == {
        "riddlewire.step": "riddle",
        "gen_ai.prompt.name": "riddle@2",
        "riddlewire.example_ids": ("ex_1", "ex_2"),
    }
    assert whole is not None
    assert whole["gen_ai.workflow.name"] == "embedded"
    assert (whole["riddlewire.status"], whole["riddlewire.attempts"]) == ("published", 2)


async def test_a_streamed_call_tells_when_its_first_piece_came(memory: InMemorySpanExporter) -> None:
    span = (await trace(memory, Pipeline(Step("riddle", Model(), stream=True))))["chat small"]

    assert span.attributes is not None
    first = span.attributes["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    assert 0 <= first < 5


async def test_no_text_is_in_the_spans_unless_asked_for(memory: InMemorySpanExporter) -> None:
    quiet = await trace(memory, Pipeline(Step("riddle", Model())))
    assert "secret" not in "".join(span.to_json() for span in quiet.values())

    memory.clear()
    told = (await trace(memory, Pipeline(Step("riddle", Model())), content=True))["chat small"].attributes

    assert told is not None
    assert json.loads(str(told["gen_ai.input.messages"])) == [
        {"role": "user", "parts": [{"type": "text", "content": "a secret article"}]}
    ]
    assert json.loads(str(told["gen_ai.output.messages"]))[0]["parts"][0]["content"] == "a secret answer"


async def test_a_call_with_several_answers_tells_of_each(memory: InMemorySpanExporter) -> None:
    told = (await trace(memory, Pipeline(Step("riddle", Model(answers=3))), content=True))["chat small"].attributes

    assert told is not None
    assert told["gen_ai.response.finish_reasons"] == ("stop",) * 3
    assert len(json.loads(str(told["gen_ai.output.messages"]))) == 3
    assert told["gen_ai.usage.output_tokens"] == 5


async def test_a_failure_marks_every_span_it_went_through(memory: InMemorySpanExporter) -> None:
    failing = Model(error=ProviderBadAnswer("openai", "bad key sk-abcdefghijk"))
    with pytest.raises(ProviderBadAnswer):
        await trace(memory, Pipeline(Step("riddle", failing)))

    spans = memory.get_finished_spans()
    assert [span.name for span in spans] == ["chat small", "riddle", "invoke_workflow embedded"]
    for span in spans:
        assert span.status.status_code is StatusCode.ERROR
        assert (span.attributes or {})["error.type"] == "ProviderBadAnswer"
        assert "abcdefghijk" not in str(span.status.description)


async def test_a_pipeline_stands_in_its_request_and_the_request_in_the_callers_trace(
    memory: InMemorySpanExporter,
) -> None:
    observer = configure_tracing(TracingSettings(), processor=SimpleSpanProcessor(memory))
    assert observer is not None
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with request_span("POST", {"traceparent": caller}):
        await Pipeline().ainvoke("x", {"callbacks": [observer]})
        name_request_span("/v1/riddles", 201)

    pipeline, request = memory.get_finished_spans()
    assert pipeline.parent == request.get_span_context()
    assert request.parent is not None
    assert f"{request.parent.trace_id:032x}" == caller.split("-")[1]
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/riddles",
        "http.response.status_code": 201,
    }


async def test_a_sample_of_nothing_keeps_nothing(memory: InMemorySpanExporter) -> None:
    assert await trace(memory, Pipeline(Step("riddle", Model())), sample=0.0) == {}


def test_without_an_exporter_nothing_is_imported_or_done() -> None:
    program = (
        "import sys; from service.setting_groups.telemetry import TracingSettings\n"
        "from service.telemetry.tracing import configure_tracing, name_request_span, request_span\n"
        "assert configure_tracing(TracingSettings()) is None\n"
        "with request_span('GET', {}): name_request_span('/', 200)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_our_names_are_those_of_the_installed_convention() -> None:
    known = {value for name, value in vars(official).items() if name.startswith("GEN_AI_")}
    ours = {value for value in vars(genai).values() if isinstance(value, str) and value.startswith("gen_ai.")}

    assert ours <= known
