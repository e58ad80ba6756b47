from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from service.errors import TooManyGuesses
from service.ratelimit import parse_rate
from service.storage.feedback import FeedbackStore, Tally
from service.storage.guesses import Guessed, GuessStore
from service.storage.page import InvalidCursor
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

RATE = parse_rate("5/hour")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    made = Writer(engine)
    yield made
    made.close()


@pytest.fixture
def store(engine: Engine, writer: Writer, clock: Clock) -> GuessStore:
    return GuessStore(engine, writer, clock)


@pytest.fixture
def feedback(engine: Engine, writer: Writer) -> FeedbackStore:
    return FeedbackStore(engine, writer)


@pytest.fixture
def wrong(engine: Engine) -> Guessed:
    """A wrong guess at a riddle with two hints."""
    riddle = RiddleRepository(engine).save(a_riddle())
    return Guessed(
        riddle_id=riddle.id, reader="ann", fingerprint="one", correct=False, near=True, score=0.4, hints=2
    )  # fmt: skip


async def test_each_wrong_guess_gives_the_next_hint_until_none_is_left(store: GuessStore, wrong: Guessed) -> None:
    kept = [await store.record(replace(wrong, fingerprint=name), RATE) for name in "abc"]
    assert [one.hint for one in kept] == [0, 1, None]
    assert kept[0].near
    assert kept[0].score == pytest.approx(0.4)


async def test_the_same_guess_again_is_answered_as_before_and_costs_no_hint(store: GuessStore, wrong: Guessed) -> None:
    first = await store.record(wrong, RATE)
    assert await store.record(replace(wrong, score=0.9, correct=True), RATE) == first
    assert (await store.record(replace(wrong, fingerprint="two"), RATE)).hint == 1


async def test_a_right_guess_solves_once_for_each_reader(store: GuessStore, wrong: Guessed) -> None:
    right = replace(wrong, correct=True, fingerprint="right")
    assert (await store.record(wrong, RATE)).solved_by == 0
    assert (await store.record(right, RATE)).solved_by == 1
    assert (await store.record(replace(right, fingerprint="also right"), RATE)).solved_by == 1
    assert (await store.record(replace(right, reader="bob"), RATE)).solved_by == 2
    assert store.knows(wrong.riddle_id, "ann")
    assert not store.knows(wrong.riddle_id, "eve")


async def test_whoever_has_solved_it_gets_no_more_hints(store: GuessStore, wrong: Guessed) -> None:
    assert (await store.record(replace(wrong, correct=True), RATE)).hint is None
    assert (await store.record(replace(wrong, fingerprint="two"), RATE)).hint is None


async def test_a_right_guess_after_a_reveal_is_right_and_solves_nothing(store: GuessStore, wrong: Guessed) -> None:
    await store.reveal(wrong.riddle_id, wrong.reader)
    await store.reveal(wrong.riddle_id, wrong.reader)
    kept = await store.record(replace(wrong, correct=True), RATE)
    assert kept.correct
    assert kept.solved_by == 0
    assert store.knows(wrong.riddle_id, wrong.reader)


async def test_a_reader_runs_out_of_guesses_and_gets_them_back(store: GuessStore, wrong: Guessed, clock: Clock) -> None:
    for name in "abcde":
        await store.record(replace(wrong, fingerprint=name), RATE)
        clock.now += timedelta(minutes=1)
    with pytest.raises(TooManyGuesses) as refused:
        await store.record(replace(wrong, fingerprint="f"), RATE)
    assert refused.value.headers["Retry-After"] == str(55 * 60)
    assert (await store.record(replace(wrong, fingerprint="a"), RATE)).hint == 0  # known: costs nothing
    assert (await store.record(replace(wrong, reader="bob"), RATE)).hint == 0
    clock.now += timedelta(minutes=55, seconds=1)
    await store.record(replace(wrong, fingerprint="f"), RATE)


async def test_a_refused_guess_leaves_no_trace(store: GuessStore, wrong: Guessed, clock: Clock) -> None:
    once = parse_rate("1/hour")
    await store.record(wrong, once)
    with pytest.raises(TooManyGuesses):
        await store.record(replace(wrong, fingerprint="right", correct=True), once)
    assert not store.knows(wrong.riddle_id, wrong.reader)
    clock.now += timedelta(hours=1, seconds=1)
    assert (await store.record(replace(wrong, fingerprint="two"), once)).hint == 1


async def test_guesses_that_come_at_once_are_dealt_with_one_after_another(store: GuessStore, wrong: Guessed) -> None:
    rate = parse_rate("100/hour")
    guesses = [replace(wrong, fingerprint=str(number % 10), hints=100) for number in range(40)]
    kept = await asyncio.gather(*(store.record(guess, rate) for guess in guesses))
    assert {one.hint for one in kept} == set(range(10))
    by_guess = {(guess.fingerprint, one.hint) for guess, one in zip(guesses, kept, strict=True)}
    assert len(by_guess) == 10


async def test_many_readers_who_solve_at_once_are_all_counted(store: GuessStore, wrong: Guessed) -> None:
    right = [replace(wrong, reader=f"reader {number}", correct=True) for number in range(30)]
    kept = await asyncio.gather(*(store.record(guess, RATE) for guess in right))
    assert max(one.solved_by for one in kept) == 30


async def test_an_opinion_replaces_the_one_before_and_counts_follow(feedback: FeedbackStore, wrong: Guessed) -> None:
    riddle = wrong.riddle_id
    first = await feedback.give(riddle, "ann", 1, "lovely")
    await feedback.give(riddle, "bob", 1, None)
    assert feedback.tally(riddle) == Tally(up=2)
    changed = await feedback.give(riddle, "ann", -1, None)
    assert (changed.id, changed.created_at) == (first.id, first.created_at)
    assert (changed.rating, changed.comment) == (-1, None)
    assert changed.updated_at >= first.updated_at
    assert feedback.tally(riddle) == Tally(up=1, down=1)
    await feedback.give(riddle, "ann", -1, "same again")
    assert feedback.tally(riddle) == Tally(up=1, down=1)


async def test_counts_hold_when_opinions_come_at_once(feedback: FeedbackStore, wrong: Guessed) -> None:
    given = [feedback.give(wrong.riddle_id, f"{number % 8}", 1 if number % 3 else -1, None) for number in range(40)]
    await asyncio.gather(*given)
    page = feedback.list(wrong.riddle_id, limit=100)
    tally = feedback.tally(wrong.riddle_id)
    assert tally.up == sum(opinion.rating == 1 for opinion in page.items)
    assert tally.down == sum(opinion.rating == -1 for opinion in page.items)
    assert tally.up + tally.down == 8


async def test_pages_of_opinions_cover_them_all_newest_first(feedback: FeedbackStore, wrong: Guessed) -> None:
    given = [(await feedback.give(wrong.riddle_id, f"{number}", 1, f"{number}")).id for number in range(5)]
    first = feedback.list(wrong.riddle_id, limit=3)
    second = feedback.list(wrong.riddle_id, limit=3, cursor=first.next_cursor)
    assert [one.id for one in (*first.items, *second.items)] == given[::-1]
    assert second.next_cursor is None
    with pytest.raises(InvalidCursor):
        feedback.list(wrong.riddle_id, limit=3, cursor="é")


def test_a_riddle_nobody_has_played_has_no_counts(feedback: FeedbackStore, store: GuessStore) -> None:
    assert feedback.tally("rid_none") == Tally()
    assert not store.knows("rid_none", "ann")


async def test_old_guesses_are_forgotten_and_who_solved_the_riddle_is_not(
    store: GuessStore, wrong: Guessed, clock: Clock
) -> None:
    right = replace(wrong, fingerprint="right", correct=True, near=False)
    await store.record(wrong, RATE)
    await store.record(right, RATE)
    clock.now += timedelta(days=10)
    late = await store.record(replace(wrong, reader="bob"), RATE)
    assert store.purge(timedelta(days=10), RATE) == 0
    clock.now += timedelta(seconds=1)
    assert store.purge(timedelta(days=10), RATE) == 2
    assert store.purge(timedelta(days=10), RATE) == 0
    assert store.knows(wrong.riddle_id, "ann")
    again = await store.record(right, RATE)
    assert (again.is_new, again.solved_by) == (True, 1), "solving it again does not count twice"
    assert await store.record(replace(wrong, reader="bob"), RATE) == late


async def test_guesses_that_count_for_a_readers_rate_are_kept_however_short_the_time(
    store: GuessStore, wrong: Guessed, clock: Clock
) -> None:
    rare = parse_rate("1/day")
    await store.record(wrong, rare)
    clock.now += timedelta(hours=23)
    assert store.purge(timedelta(hours=1), rare) == 0
    with pytest.raises(TooManyGuesses):
        await store.record(replace(wrong, fingerprint="two"), rare)
    clock.now += timedelta(hours=2)
    assert store.purge(timedelta(hours=1), rare) == 1
