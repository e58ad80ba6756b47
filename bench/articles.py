"""`articles`: 20 real articles through the embedded default. What share passes the gate, and does any riddle leak?

The leak is looked for once more here, by rules of this file's own, so that a gate with a hole in it is noticed.
"""

from __future__ import annotations

import asyncio
import math
import re
import statistics
from typing import TYPE_CHECKING

from bench.inputs import real_articles
from bench.processes import Meter
from bench.report import RESULTS, Report, Row
from chains.gate.places import CALENDAR
from domain.errors import ProviderError

if TYPE_CHECKING:
    from bench.options import Options
    from domain import Riddle

COUNT, COUNT_QUICK = 20, 3
AT_ONCE = 4
SAMPLES = 5
_STEM = 5
_WORD = re.compile(r"[A-Za-z]+")
_COMMON = frozenset(
    """
    about after again against also because been before being between both could does down during each from further
    have having here into itself just more most once only other over same should some such than that their them then
    there these they this those through under until very were what when where which while will with would your
    """.split()  # noqa: SIM905 -- one word a line would be forty lines
)


def measure(options: Options) -> Report:
    """Run it."""
    report = Report(name="articles")
    meter = Meter()
    everything = real_articles()
    count = COUNT_QUICK if options.quick else COUNT
    texts = everything[:: len(everything) // count][:count]
    made = asyncio.run(_riddles(texts))
    riddles = [outcome for outcome in made if not isinstance(outcome, ProviderError)]
    report.notes += [f"no answer: {outcome}" for outcome in made if isinstance(outcome, ProviderError)]
    published = [riddle for riddle in riddles if riddle.status == "published"]
    parsed = [riddle for riddle in riddles if riddle.riddle and riddle.answer]
    leaking = [riddle for riddle in published if leaks(riddle)]
    seconds = statistics.median([riddle.timings_ms.total / 1e3 for riddle in riddles] or [math.nan])
    report.rows = [
        Row(what="articles", value=count),
        Row(what="ended in a riddle that parses", value=len(parsed), at_least=count),
        Row(what="published riddles that leak", value=len(leaking), at_most=0),
        Row(what="share that passed the gate", value=100 * len(published) / count, unit="%"),
        Row(what="attempts, mean", value=statistics.mean([riddle.attempts for riddle in riddles] or [math.nan])),
        Row(what=f"time of an article, {AT_ONCE} at once, median", value=seconds, unit="s"),
    ]
    report.details["riddles"] = [_as_dict(riddle) for riddle in riddles]
    report.notes += [f"leak in a published riddle: {leaks(riddle)} in {riddle.riddle!r}" for riddle in leaking]
    report.other_cores = meter.read().other_cores
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "articles.md").write_text(_markdown(riddles))
    return report


def leaks(riddle: Riddle) -> list[str]:
    """What a riddle gives away: words that begin like one of the answer's, digits, names of the article (no days)."""
    text = riddle.riddle or ""
    given = {_stem(word) for word in _words(f"{riddle.answer} {riddle.article.title or ''}")}
    found = [word for word in _words(text) if _stem(word) in given]
    names = {word for word in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", riddle.article.text) if len(word) > 3}
    names = {word for word in names if word.lower() not in CALENDAR}
    found += [word for word in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", text) if word in names]
    return found + re.findall(r"\d+", text)


def _words(text: str) -> list[str]:
    lowered = (word.lower() for word in _WORD.findall(text))
    return [word for word in lowered if len(word) > 3 and word not in _COMMON]


def _stem(word: str) -> str:
    return word[:_STEM]


async def _riddles(texts: list[str]) -> list[Riddle | ProviderError]:
    """In the order of the texts; an error where the engine gave no answer in time."""
    from chains import load_pipeline
    from chains.models import ChatModels
    from retrievers import open_examples

    models, examples = ChatModels(), open_examples()
    pipeline = load_pipeline("embedded", models=models, examples=examples)
    slots = asyncio.Semaphore(AT_ONCE)

    async def make(text: str) -> Riddle | ProviderError:
        async with slots:
            try:
                return await pipeline.ainvoke(text)
            except ProviderError as error:
                return error

    try:
        return list(await asyncio.gather(*(make(text) for text in texts)))
    finally:
        await models.aclose()
        examples.close()


def _as_dict(riddle: Riddle) -> dict[str, object]:
    return {
        "article": riddle.article.text[:200],
        "status": riddle.status,
        "summary": riddle.summary,
        "answer": riddle.answer,
        "riddle": riddle.riddle,
        "hints": riddle.hints,
        "attempts": riddle.attempts,
        "failed": _failed(riddle),
        "details": [check.detail for check in riddle.checks if not check.passed],
        "input_tokens": riddle.usage.input_tokens,
        "cached_tokens": riddle.usage.cached_tokens,
        "output_tokens": riddle.usage.output_tokens,
        "seconds": round(riddle.timings_ms.total / 1e3, 2),
    }


def _failed(riddle: Riddle) -> str:
    return ", ".join(dict.fromkeys(check.name for check in riddle.checks if not check.passed))


def _markdown(riddles: list[Riddle]) -> str:
    lines = [
        "| article begins | status | failed checks | attempts | seconds | tokens read (cached) | written |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for riddle in riddles:
        usage = riddle.usage
        lines.append(
            f"| {riddle.article.text[:60].replace('|', ' ')} | {riddle.status} | {_failed(riddle)} | {riddle.attempts} "
            f"| {riddle.timings_ms.total / 1e3:.1f} | {usage.input_tokens} ({usage.cached_tokens}) "
            f"| {usage.output_tokens} |"
        )
    best_first = sorted(riddles, key=lambda riddle: riddle.status != "published")
    for riddle in best_first[:SAMPLES]:
        lines += ["", f"### {riddle.article.text[:80]} ...", f"*{riddle.status}* {_failed(riddle)}", ""]
        lines += [
            f"Summary: {riddle.summary}",
            "",
            *(f"> {line}  " for line in (riddle.riddle or "-").splitlines()),
            "",
        ]
        lines += [f"Answer: **{riddle.answer}**", "", *(f"- {hint}" for hint in riddle.hints)]
    return "\n".join(lines) + "\n"
