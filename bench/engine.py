"""`engine`: what our layers cost the embedded engine, whether prompts' beginnings are reused, four articles at once.

The pipeline makes riddles on one engine; the very requests it sent are sent again, bare, to a second engine with the
same settings and the same history. One candidate and one attempt, so that both do the same work in the same order.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import yaml

from bench.inputs import ROOT, real_articles
from bench.processes import Meter
from bench.report import Report, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.options import Options
    from chains.models.engine import Engine
    from chains.pipeline import RiddlePipeline
    from domain import Riddle
    from retrievers import Examples

PIPELINE = "bench-engine"
LONGEST_ARTICLE = 1_500
AT_ONCE = 4


@dataclass
class Recorder:
    """The requests that went to an engine, and its answers' usage."""

    requests: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Made:
    """One article's worth of model calls.

    Args:
        seconds: By the clock.
        cpu_s: Of the whole process, engine included.
        read: Prompt tokens, cached ones included.
        cached: Prompt tokens that were taken from the cache.
        written: Tokens of the answers.
    """

    seconds: float
    cpu_s: float
    read: int
    cached: int
    written: int


def measure(options: Options) -> Report:
    """Run it."""
    report = Report(name="engine")
    meter = Meter()
    articles = [text[:LONGEST_ARTICLE] for text in real_articles()[30:]]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _write_pipeline(Path(folder))
        asyncio.run(_side_by_side(Path(folder), articles[: 2 if options.quick else 4], report))
        asyncio.run(_at_once(Path(folder), articles[10:], 1, report))
    report.other_cores = meter.read().other_cores
    return report


async def _side_by_side(home: Path, articles: list[str], report: Report) -> None:
    from retrievers import open_examples

    examples = open_examples()
    ours, bare = [], []
    with _engine() as engine, _engine() as other:
        pipeline, recorder = _pipeline(home, engine, examples)
        async with aiohttp.ClientSession() as session:
            for text in ["A fog closed the harbour for a day.", *articles]:  # the first warms both up
                recorder.requests.clear()
                ours.append(await _with_us(pipeline, text))
                bare.append(await _without_us(session, other, recorder.requests))
    examples.close()
    ours, bare = ours[1:], bare[1:]
    ratios = [(a.written / a.seconds) / (b.written / b.seconds) for a, b in zip(ours, bare, strict=True)]
    report.rows += [
        Row(what="tokens a second, with us / bare engine", value=statistics.median(ratios), at_least=0.9),
        Row(what="with us", value=_rate(ours), unit="tokens/s"),
        Row(what="bare engine", value=_rate(bare), unit="tokens/s"),
        Row(what="CPU of an article, with us / bare engine", value=_sum(ours, "cpu_s") / _sum(bare, "cpu_s")),
        Row(what="prompt tokens taken from the cache", value=100 * _sum(ours, "cached") / _sum(ours, "read"), unit="%"),
    ]
    report.details["with_us"] = [made.__dict__ for made in ours]
    report.details["bare"] = [made.__dict__ for made in bare]
    if not _sum(ours, "cached"):
        report.notes.append("the engine reported no cached prompt tokens: the shared beginning is not reused")


async def _at_once(home: Path, articles: list[str], rounds: int, report: Report) -> None:
    """The same articles one after another and four at once, each on an engine that starts with the same history."""
    from retrievers import open_examples

    examples = open_examples()
    ratios, cpu_ratios = [], []
    for number in range(rounds):
        texts = articles[AT_ONCE * number :][:AT_ONCE]
        spent: dict[bool, float] = {}
        cpu: dict[bool, float] = {}
        for together in (True, False) if number % 2 else (False, True):
            with _engine() as engine:
                pipeline, _ = _pipeline(home, engine, examples)
                await _with_us(pipeline, articles[-1])
                before = time.process_time()
                spent[together] = await _seconds_per_article(pipeline, texts, together=together)
                cpu[together] = (time.process_time() - before) / len(texts)
        ratios.append(spent[True] / spent[False])
        cpu_ratios.append(cpu[True] / cpu[False])
        report.details[f"round {number}"] = {
            "at_once_s": spent[True],
            "in_turn_s": spent[False],
            "at_once_cpu_s": cpu[True],
            "in_turn_cpu_s": cpu[False],
        }
    examples.close()
    what = "an article, four at once / one after another"
    report.rows += [
        Row(what=f"seconds {what}", value=statistics.median(ratios), at_most=1.0),
        Row(what=f"CPU {what}", value=statistics.median(cpu_ratios)),
    ]


async def _seconds_per_article(pipeline: RiddlePipeline, texts: list[str], *, together: bool) -> float:
    started = time.perf_counter()
    if together:
        await asyncio.gather(*(pipeline.ainvoke(text) for text in texts))
    else:
        for text in texts:
            await pipeline.ainvoke(text)
    return (time.perf_counter() - started) / len(texts)


async def _with_us(pipeline: RiddlePipeline, text: str) -> Made:
    started, cpu = time.perf_counter(), time.process_time()
    riddle: Riddle = await pipeline.ainvoke(text)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    usage = riddle.usage
    return Made(seconds, cpu_s, usage.input_tokens, usage.cached_tokens, usage.output_tokens)


async def _without_us(session: aiohttp.ClientSession, engine: Engine, requests: list[dict[str, Any]]) -> Made:
    url, headers = f"{engine.start()}/v1/chat/completions", {"authorization": f"Bearer {engine.api_key}"}
    read = cached = written = 0
    started, cpu = time.perf_counter(), time.process_time()
    for request in requests:
        body = orjson.dumps(request)
        async with session.post(url, data=body, headers={**headers, "content-type": "application/json"}) as response:
            usage = orjson.loads(await response.read())["usage"]
        read += usage["prompt_tokens"]
        written += usage["completion_tokens"]
        cached += (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    return Made(time.perf_counter() - started, time.process_time() - cpu, read, cached, written)


@contextmanager
def _engine() -> Iterator[Engine]:
    from chains.models import EngineSettings
    from chains.models.engine import Engine
    from chains.models.gguf_location import DEFAULT_MODEL, locate_gguf

    engine = Engine(locate_gguf(DEFAULT_MODEL), EngineSettings())
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


def _pipeline(home: Path, engine: Engine, examples: Examples) -> tuple[RiddlePipeline, Recorder]:
    """The bench pipeline on an engine of ours, and what it will have sent there."""
    from chains import load_pipeline
    from chains.models import ChatModels, ProviderSettings
    from chains.models.embedded import EmbeddedChat
    from chains.models.gguf_location import DEFAULT_MODEL
    from prompts import Catalog

    recorder = Recorder()

    class Recording(EmbeddedChat):
        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            request = self._get_request_payload(messages, stop=stop, **kwargs)
            request.pop("timeout", None)
            request.update(request.pop("extra_body", None) or {})
            recorder.requests.append(request)
            return await super()._agenerate(messages, stop, run_manager, **kwargs)

    models = ChatModels()
    models.put(f"embedded:{DEFAULT_MODEL}", Recording.on(engine, ProviderSettings(timeout_s=300), name=DEFAULT_MODEL))
    return load_pipeline(PIPELINE, catalog=Catalog(home), examples=examples, models=models), recorder


def _write_pipeline(home: Path) -> None:
    """The shipped default with one candidate, one attempt, and a seed: both engines write the same."""
    values = yaml.safe_load((ROOT / "prompts" / "pipelines" / "embedded.yaml").read_text())
    values["name"] = PIPELINE
    values["gate"] = {"attempts": 1, "candidates": 1}
    for step in values["steps"]:
        step["settings"]["seed"] = 7
        step["settings"]["timeout_s"] = 300
    path = home / "pipelines" / f"{PIPELINE}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(values, sort_keys=False))


def _rate(made: list[Made]) -> float:
    return _sum(made, "written") / _sum(made, "seconds")


def _sum(made: list[Made], name: str) -> float:
    return float(sum(getattr(each, name) for each in made))
