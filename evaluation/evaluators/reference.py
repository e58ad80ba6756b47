"""What people wrote, as if a pipeline had made it: the yardstick beside the pipelines."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chains.gate import Gate
from domain import Draft, Riddle
from evaluation.outcome import Outcome
from evaluation.results import REFERENCE
from prompts import GateSpec

if TYPE_CHECKING:
    from evaluation.case import Case


def reference_outcome(case: Case) -> Outcome | None:
    """A case's reference riddle as an outcome of the pipeline `reference`; None when the case has no reference riddle.

    It counts as published, because a person has approved it; its checks are those of a gate with default thresholds,
    which may well fail. Nothing ran, so metrics of running are unscored.
    """
    if not case.riddle or not case.answer:
        return None
    draft = Draft(answer=case.answer, riddle=case.riddle, hints=case.hints, summary=case.summary)
    verdict = _gate().judge(draft, article=case.article, summary=case.summary or "")
    riddle = Riddle(
        article=case.article,
        status="published",
        pipeline=REFERENCE,
        summary=case.summary,
        riddle=case.riddle,
        answer=case.answer,
        hints=case.hints,
        checks=verdict.checks,
    )
    return Outcome(case_id=case.id, pipeline=REFERENCE, repeat=0, seed=0, riddle=riddle)


@cache
def _gate() -> Gate:
    return Gate(GateSpec())
