"""What guesses, reveals and feedback do, without HTTP's shapes."""

from __future__ import annotations

import asyncio
import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from service.errors import NotPublished
from service.guesses.comments import tidy
from service.guesses.readers import reader_hash
from service.ratelimit import parse_rate
from service.riddles.payload import article_payload
from service.storage.guesses import Guessed
from service.telemetry import metrics

if TYPE_CHECKING:
    from chains.guessing import GuessJudge
    from domain import Riddle
    from service.auth import Caller
    from service.guesses.schemas import FeedbackIn, GuessIn
    from service.resources import Resources
    from service.storage.feedback import Opinion
    from service.storage.guesses import Kept
    from service.storage.riddles import StoredRiddle
    from service.telemetry.guess_metrics import Verdict

_NEAR: Final = 0.5
"""What every near guess scores: between the highest wrong and the lowest right one of every calibration."""


async def guess(resources: Resources, riddle_id: str, given: GuessIn, caller: Caller) -> dict[str, Any]:
    """Judge a guess, keep it, and answer with the next hint when it is not right.

    Raises:
        NotFound: There is no such riddle that the caller may see.
        NotPublished: It waits for review.
        TooManyGuesses: The reader has to wait.
    """
    hints, guessed = await asyncio.to_thread(_judge, resources, riddle_id, given, caller)
    kept = await resources.guesses.record(guessed, parse_rate(resources.settings.limits.guesses))
    if kept.is_new:
        metrics.process.guesses.observe(_verdict(kept))
    return {
        "correct": kept.correct,
        "near": kept.near,
        "score": _told(kept),
        "hint": None if kept.hint is None else hints[kept.hint],
        "solved_by": kept.solved_by,
    }


def _told(kept: Kept) -> float:
    """The score in steps: exact ones tell word by word which of two is nearer, and so spell the answer out."""
    if kept.correct:
        return kept.score
    return _NEAR if kept.near else math.floor(kept.score * 10) / 10


def _verdict(kept: Kept) -> Verdict:
    return "right" if kept.correct else "near" if kept.near else "wrong"


async def reveal(resources: Resources, riddle_id: str, reader: str | None, caller: Caller) -> dict[str, Any]:
    """Tell what the riddle hides, and note that this reader knows.

    Raises:
        NotFound: There is no such riddle that the caller may see.
        NotPublished: It waits for review.
    """
    riddle = (await asyncio.to_thread(_playable, resources, riddle_id, caller)).riddle
    await resources.guesses.reveal(riddle_id, reader_hash(caller, reader))
    return {"answer": riddle.answer, "summary": riddle.summary, "article": article_payload(riddle.article)}


async def give_feedback(resources: Resources, riddle_id: str, given: FeedbackIn, caller: Caller) -> dict[str, Any]:
    """Keep a reader's opinion in place of the one before.

    Raises:
        NotFound: There is no such riddle that the caller may see.
        NotPublished: It waits for review.
    """
    await asyncio.to_thread(_playable, resources, riddle_id, caller)
    reader = reader_hash(caller, given.reader)
    opinion = await resources.feedback.give(riddle_id, reader, given.rating, tidy(given.comment))
    return _opinion(opinion, riddle_id)


async def list_feedback(
    resources: Resources, riddle_id: str, caller: Caller, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """The counts of a riddle, and a page of opinions.

    Raises:
        NotFound: There is no such riddle that the caller may see.
        InvalidCursor: The cursor is not one of ours.
    """
    await asyncio.to_thread(resources.riddles.get, riddle_id, scope=caller.scope)
    page = await asyncio.to_thread(resources.feedback.list, riddle_id, limit=limit, cursor=cursor)
    tally = await asyncio.to_thread(resources.feedback.tally, riddle_id)
    items = [_opinion(opinion, riddle_id) for opinion in page.items]
    counts = {"up": tally.up, "down": tally.down, "solved_by": tally.solved_by}
    return {"items": items, "next_cursor": page.next_cursor, **counts}


def _judge(resources: Resources, riddle_id: str, given: GuessIn, caller: Caller) -> tuple[tuple[str, ...], Guessed]:
    from chains.guessing import Secret, fingerprint

    riddle = _playable(resources, riddle_id, caller).riddle
    hints = _safe_hints(riddle)
    secret = Secret(
        answer=riddle.answer or "",
        summary=riddle.summary or "",
        title=riddle.article.title or "",
        riddle=riddle.riddle or "",
        hints=hints,
    )
    judgement = judge_of_guesses().judge(given.guess, secret)
    guessed = Guessed(
        riddle_id=riddle_id,
        reader=reader_hash(caller, given.reader),
        fingerprint=fingerprint(given.guess),
        correct=judgement.verdict == "right",
        near=judgement.verdict == "near",
        score=judgement.score,
        hints=len(hints),
    )
    return hints, guessed


@cache
def judge_of_guesses() -> GuessJudge:
    """The judge, with the embedded embeddings whatever retrieval uses: the calibration holds for them."""
    from chains.guessing import GuessJudge
    from retrievers import load_embeddings

    return GuessJudge(load_embeddings())


def _playable(resources: Resources, riddle_id: str, caller: Caller) -> StoredRiddle:
    stored = resources.riddles.get(riddle_id, scope=caller.scope)
    if stored.riddle.status != "published" or not stored.riddle.answer:
        raise NotPublished(riddle_id)
    return stored


def _safe_hints(riddle: Riddle) -> tuple[str, ...]:
    """Without those that say the answer, which only a pipeline without the check for leakage lets through."""
    from chains.gate.leakage import gives_away

    return tuple(hint for hint in riddle.hints if not gives_away(riddle.answer or "", hint))


def _opinion(opinion: Opinion, riddle_id: str) -> dict[str, Any]:
    return {
        "id": opinion.id,
        "riddle_id": riddle_id,
        "rating": opinion.rating,
        "comment": opinion.comment,
        "created_at": opinion.created_at,
        "updated_at": opinion.updated_at,
    }
