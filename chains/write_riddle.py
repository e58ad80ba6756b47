"""The riddle step: writes candidates, lets the gate judge them, and tries again with the reasons until one passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chains.emitting import deltas_to, silent
from chains.parsing import DraftStream, UnparsableDraft, parse_draft
from chains.step import Step
from chains.step_record import step_record
from domain import Check, Usage
from domain.events import Retry, RiddleDelta

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from langchain_core.runnables import RunnableConfig

    from chains.emitting import Emit, OnDelta
    from chains.fitting import Fit, Fitter
    from chains.gate import ArticleFacts, Gate
    from chains.models import ChatModels, Completion
    from chains.recipe import BoundStep
    from domain import Draft, Example, StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RiddleTask:
    """What the step is asked.

    Args:
        facts: Of the whole article, with which the gate compares the riddle.
        values: The prompt's variables.
        summary: What the riddle is made from; None in one-step pipelines, where the draft brings it.
        step: `riddle` or `summary_riddle`.
        examples: Most similar last.
        gate: Judges, and says how many attempts and candidates there are.
        ranks: Where the article comes among similar stories by likeness to each of some riddles.
    """

    facts: ArticleFacts
    values: Mapping[str, str]
    summary: str | None
    step: BoundStep
    examples: tuple[Example, ...]
    gate: Gate
    ranks: Callable[[Sequence[str]], Awaitable[list[int]]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Riddled:
    """The best candidate, None when nothing could be read as a riddle, with its checks and what it took."""

    draft: Draft | None
    passed: bool
    checks: tuple[Check, ...]
    attempts: int
    record: StepRecord
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One answer of the model, judged. `rank` orders candidates: passing first, then readable, then by score."""

    draft: Draft | None
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    passed: bool
    score: float
    completion: Completion
    examples: tuple[Example, ...] = ()

    @property
    def rank(self) -> tuple[bool, bool, float]:
        return (self.passed, self.draft is not None, self.score)


class WriteRiddle(Step[RiddleTask, Riddled]):
    """Best of n candidates under the gate, with up to `attempts` tries."""

    name = "riddle"

    def __init__(self, models: ChatModels, fitter: Fitter) -> None:
        self._models = models
        self._fitter = fitter

    async def _work(self, task: RiddleTask, config: RunnableConfig, emit: Emit = silent) -> Riddled:
        best: _Candidate | None = None
        reasons: tuple[str, ...] = ()
        usage = Usage()
        number = 0
        while best is None or (not best.passed and number < task.gate.attempts):
            number += 1
            streamed, candidates = await self._attempt(task, reasons, number, config, emit)
            for candidate in candidates:
                usage += candidate.completion.usage
            winner = max((*candidates, *([best] if best else [])), key=lambda candidate: candidate.rank)
            last = winner.passed or number == task.gate.attempts
            await _tell(emit, number, streamed, winner, last=last)
            best, reasons = winner, _reasons_for_retry(candidates)
        return Riddled(
            draft=best.draft,
            passed=best.passed,
            checks=best.checks,
            attempts=number,
            record=step_record(task.step, best.completion.model, best.examples, cached=best.completion.cached),
            usage=usage,
        )

    async def _attempt(
        self, task: RiddleTask, reasons: Sequence[str], number: int, config: RunnableConfig, emit: Emit
    ) -> tuple[_Candidate | None, list[_Candidate]]:
        """One attempt's candidates, and the one whose text was streamed while it was written."""
        fit = self._fitter.fit(task.step, task.values, task.examples, reasons=reasons)
        lines = _RiddleLines(emit)
        completions = await self._models.complete_many(
            _seeded(task.step, number).spec, fit.messages, task.gate.candidates, config=config, on_delta=lines.on_delta
        )
        if any(completion.streamed for completion in completions):
            await lines.end()
        read = [_read(completion) for completion in completions]
        ranks = await _ranks(task, read)
        candidates = [
            self._judge(task, fit, completion, draft, rank)
            for completion, draft, rank in zip(completions, read, ranks, strict=True)
        ]
        told = (candidate for candidate, made in zip(candidates, completions, strict=True) if made.streamed)
        return next(told, None), candidates

    def _judge(
        self, task: RiddleTask, fit: Fit, completion: Completion, draft: Draft | UnparsableDraft, rank: int | None
    ) -> _Candidate:
        if isinstance(draft, UnparsableDraft):
            check = Check(name="format", passed=False, score=0.0, detail=str(draft))
            return _Candidate(None, (check,), draft.reasons, False, 0.0, completion, fit.examples)
        verdict = task.gate.judge(
            draft,
            article=task.facts,
            summary=task.summary if task.summary is not None else draft.summary or "",
            examples=fit.examples,
            prompt_texts=[str(message.content) for message in fit.messages],
            guess_rank=rank,
        )
        return _Candidate(
            draft,
            verdict.checks,
            verdict.reasons,
            verdict.passed,
            verdict.score,
            completion,
            fit.examples,
        )


def _read(completion: Completion) -> Draft | UnparsableDraft:
    try:
        return parse_draft(completion.text)
    except UnparsableDraft as error:
        return error


async def _ranks(task: RiddleTask, read: Sequence[Draft | UnparsableDraft]) -> list[int | None]:
    """The rank of each draft that can be read, where a check asks for it."""
    drafts = [draft for draft in read if not isinstance(draft, UnparsableDraft)]
    if not drafts or task.ranks is None or not task.gate.asks_rank:
        return [None] * len(read)
    found = iter(await task.ranks([draft.riddle for draft in drafts]))
    return [None if isinstance(draft, UnparsableDraft) else next(found) for draft in read]


class _RiddleLines:
    """Of a labelled answer, tells only the riddle's own lines: never the answer, never the hints."""

    def __init__(self, emit: Emit) -> None:
        self._stream = DraftStream()
        self._tell = deltas_to(emit, RiddleDelta)

    @property
    def on_delta(self) -> OnDelta | None:
        """For the model's text; None when nobody listens, so that the model need not stream."""
        return self._feed if self._tell else None

    async def end(self) -> None:
        """Tell what was held back as the possible beginning of a label."""
        if self._tell:
            await self._tell(self._stream.close())

    async def _feed(self, text: str) -> None:
        assert self._tell is not None
        await self._tell(self._stream.feed(text))


async def _tell(emit: Emit, number: int, streamed: _Candidate | None, winner: _Candidate, *, last: bool) -> None:
    """Let a reader of the stream clear what will not be the result, and see the result's text."""
    if last and winner is streamed:
        return
    reasons = ("another candidate is better",) if winner.passed else winner.reasons
    await emit(Retry(step="riddle", attempt=number, reasons=reasons))
    if last and winner.draft is not None:
        await emit(RiddleDelta(winner.draft.riddle))


def _reasons_for_retry(candidates: Sequence[_Candidate]) -> tuple[str, ...]:
    """What the best candidate of this attempt did wrong: advice about one text, not about several at once."""
    return max(candidates, key=lambda candidate: candidate.rank).reasons


def _seeded(step: BoundStep, attempt: int) -> BoundStep:
    """The step with a seed for every attempt: the same article gives the same riddle, but no attempt the last one's."""
    seed = step.spec.settings.seed
    if seed is None or attempt == 1:
        return step
    settings = replace(step.spec.settings, seed=seed + 1000 * (attempt - 1))
    return replace(step, spec=replace(step.spec, settings=settings))
