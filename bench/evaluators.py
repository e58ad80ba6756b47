"""`evaluators`: how many outcomes the evaluators that ask no model score in a second of CPU, and what each takes.

Every shipped example is a case, and what is scored is its riddle with a shortened summary, as if a pipeline had shown
it the next four examples. The first round works out what belongs to a case (facts of its article, vectors, line-ups);
the second is what every further pipeline and repeat costs. What is loaded once a process (vectors of words, CMU
dictionary, ROUGE) is loaded before.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.processes import Meter
from bench.report import Report, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.options import Options
    from domain import Example
    from evaluation.case import Case
    from evaluation.evaluators import Pool
    from evaluation.outcome import Outcome

TARGET = 200.0
"""Outcomes a second of one core."""

_QUICK, _WARM, _SHOTS = 60, 5, 4


def measure(options: Options) -> Report:
    """Run it."""
    from evaluation.evaluators import default_evaluators, default_set_evaluators
    from retrievers.shipped import read_shipped

    examples = [replace(example, id=f"ex_{place}") for place, example in enumerate(read_shipped())]
    cases = [_case(example) for example in (examples[:_QUICK] if options.quick else examples)]
    outcomes = [_outcome(case, place, examples) for place, case in enumerate(cases)]
    _round(_pool(cases[:_WARM], examples), outcomes[:_WARM])
    meter = Meter()
    pool = _pool(cases, examples)
    report = Report(name="evaluators")
    first, again = _round(pool, outcomes), _round(pool, outcomes)
    started = time.process_time()
    for evaluator in default_set_evaluators():
        evaluator(outcomes, pool.cases)
    together = time.process_time() - started
    count = len(outcomes)
    report.rows = [
        Row(what="first pipeline over the cases", value=count / first.total(), unit="outcomes/CPU s", at_least=TARGET),
        Row(what="every further one", value=count / again.total(), unit="outcomes/CPU s", at_least=TARGET),
        Row(what=f"distinct-n and self-BLEU over {count} riddles", value=together * 1e3, unit="ms"),
    ]
    report.details = {
        "outcomes": count,
        "evaluators": len(default_evaluators()),
        "first_ms": {name: round(spent / count * 1e3, 3) for name, spent in first.items()},
        "again_ms": {name: round(spent / count * 1e3, 3) for name, spent in again.items()},
    }
    report.other_cores = meter.read().other_cores
    return report


def _round(pool: Pool, outcomes: Sequence[Outcome]) -> Counter[str]:
    """CPU seconds that each evaluator takes for all outcomes; the pool's vectors are those of the first that asks."""
    from evaluation.evaluators import default_evaluators

    spent: Counter[str] = Counter()
    for evaluator in default_evaluators():
        started = time.process_time()
        for outcome in outcomes:
            evaluator(outcome, pool.cases[outcome.case_id], pool)
        spent[type(evaluator).__name__] += time.process_time() - started  # type: ignore[assignment]  # counts seconds
    return spent


def _case(example: Example) -> Case:
    from domain import Article
    from evaluation.case import Case

    return Case(
        id=example.id,
        article=Article(text=example.article, title=example.headline),
        topic=example.topic,
        summary=example.summary,
        answer=example.answer,
        riddle=example.riddle,
        hints=example.hints,
    )


def _outcome(case: Case, place: int, examples: Sequence[Example]) -> Outcome:
    from domain import StepRecord
    from domain.events import ShownExample
    from evaluation.evaluators import reference_outcome

    reference = reference_outcome(case)
    assert reference is not None
    assert reference.riddle is not None
    shown = [examples[(place + step) % len(examples)] for step in range(1, _SHOTS + 1)]
    record = StepRecord(step="riddle", prompt="riddle@1", model="bench", example_ids=tuple(e.id for e in shown))
    summary = " ".join((reference.riddle.summary or "").split()[:-2])
    return replace(
        reference,
        pipeline="bench",
        riddle=replace(reference.riddle, pipeline="bench", summary=summary, steps=(record,)),
        selected=tuple(ShownExample(id=e.id, topic=e.topic, headline=e.headline, score=0.5) for e in shown),
    )


def _pool(cases: Sequence[Case], examples: Sequence[Example]) -> Pool:
    from evaluation.evaluators import Pool

    return Pool(cases={case.id: case for case in cases}, examples={example.id: example for example in examples})
