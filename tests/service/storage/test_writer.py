from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from service.storage.riddles import StoredRiddle


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    opened = Writer(engine)
    yield opened
    opened.close()


@pytest.fixture
def repository(engine: Engine, writer: Writer) -> RiddleRepository:
    return RiddleRepository(engine, writer)


def fail(_connection: Connection, _stored: StoredRiddle | None = None) -> None:
    raise KeyError("this one cannot be kept")


async def test_riddles_saved_at_once_are_all_kept(repository: RiddleRepository) -> None:
    stored = await asyncio.gather(*(repository.asave(a_riddle(number)) for number in range(200)))

    assert [repository.get(one.id) for one in stored] == stored


async def test_they_share_transactions_on_sqlite(engine: Engine, repository: RiddleRepository) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL commits together by itself")
    commits = 0

    def count(_connection: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(engine, "commit", count)
    await asyncio.gather(*(repository.asave(a_riddle(number)) for number in range(200)))

    assert commits < 50


async def test_one_that_fails_fails_alone(repository: RiddleRepository) -> None:
    asked = [repository.asave(a_riddle(number), also=fail if number == 7 else None) for number in range(20)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)] == [7]
    assert isinstance(outcomes[7], KeyError)
    assert len(repository.list(limit=100).items) == 19


async def test_what_a_cancelled_caller_asked_for_is_written_all_the_same(
    repository: RiddleRepository, writer: Writer
) -> None:
    begun = threading.Event()
    go_on = threading.Event()

    def block(_connection: Connection, _stored: StoredRiddle) -> None:
        begun.set()
        go_on.wait(10)

    saving = asyncio.create_task(repository.asave(a_riddle(), also=block))
    await asyncio.to_thread(begun.wait, 10)
    saving.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await saving
    await writer.write(lambda connection: connection.execute(text("SELECT 1")).scalar())
    for _ in range(100):
        if repository.list().items:
            break
        await asyncio.sleep(0.05)

    assert len(repository.list().items) == 1


async def test_closing_finishes_what_was_asked_for(engine: Engine) -> None:
    writer = Writer(engine)
    repository = RiddleRepository(engine, writer)
    asked = [asyncio.create_task(repository.asave(a_riddle(number))) for number in range(100)]
    await asyncio.sleep(0)
    await asyncio.to_thread(writer.close)
    await asyncio.gather(*asked)

    assert len(repository.list(limit=200).items) == 100


def test_closing_one_that_was_never_used_does_nothing(engine: Engine) -> None:
    Writer(engine).close()


def test_several_loops_may_write_at_once(repository: RiddleRepository) -> None:
    threads = [threading.Thread(target=lambda: asyncio.run(_save(repository))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(repository.list(limit=200).items) == 30


async def _save(repository: RiddleRepository) -> None:
    await asyncio.gather(*(repository.asave(a_riddle(number)) for number in range(10)))
