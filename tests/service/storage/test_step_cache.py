from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from chains.models.remembered import GivenAnswer
from service.storage.limit_tables import step_cache
from service.storage.step_cache import StepCacheStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

FOG = (GivenAnswer("Fog closed the airport — “all day”.", "stop"), GivenAnswer("Nebel über Köln.", "length"))


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: Engine, clock: Clock) -> StepCacheStore:
    return StepCacheStore(engine, kept=timedelta(days=30), clock=clock)


def keep(store: StepCacheStore, engine: Engine, question: str, answers: tuple[GivenAnswer, ...] = FOG) -> None:
    write = store.keeping(question, "openai:x", answers)
    assert write is not None
    with engine.begin() as connection:
        write(connection)


def questions(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(step_cache.c.question)).scalars())


def test_answers_come_back_as_they_were_given(store: StepCacheStore, engine: Engine) -> None:
    keep(store, engine, "q1")
    assert store.find("q1") == FOG
    assert store.find("q2") is None


def test_the_newest_answer_to_a_question_is_the_one_that_is_kept(store: StepCacheStore, engine: Engine) -> None:
    keep(store, engine, "q1")
    newer = (GivenAnswer("newer", "stop"),)
    keep(store, engine, "q1", newer)
    assert store.find("q1") == newer


def test_an_answer_that_is_too_old_is_not_given_and_is_dropped(
    store: StepCacheStore, engine: Engine, clock: Clock
) -> None:
    keep(store, engine, "old")
    clock.now += timedelta(days=30)
    keep(store, engine, "new")
    assert store.find("old") is None
    assert store.purge(max_rows=10) == 1
    assert questions(engine) == {"new"}


def test_above_the_limit_what_was_not_used_for_longest_is_dropped(
    store: StepCacheStore, engine: Engine, clock: Clock
) -> None:
    for number in range(5):
        clock.now += timedelta(minutes=1)
        keep(store, engine, f"q{number}")
    clock.now += timedelta(minutes=1)
    store.count_hits({"q0": 3})
    assert store.purge(max_rows=2) == 3
    assert questions(engine) == {"q0", "q4"}
    with engine.connect() as connection:
        assert connection.execute(select(func.max(step_cache.c.hits))).scalar_one() == 3


@pytest.mark.parametrize("text", ["a NUL \x00", "half a pair \ud83d"])
def test_what_a_database_cannot_keep_as_it_is_is_not_kept(store: StepCacheStore, text: str) -> None:
    assert store.keeping("q1", "openai:x", [GivenAnswer(text, "stop")]) is None
