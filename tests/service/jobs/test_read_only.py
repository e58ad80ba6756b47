"""Jobs on a database that becomes read-only for a while, as in a failover."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.service.jobs.work_lab import Pipeline, good, mine
from tests.support.read_only import Switch

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from domain import Article, Riddle
    from tests.service.jobs.work_lab import Lab


async def test_a_riddle_made_while_nothing_can_be_written_is_kept_afterwards_and_not_made_again(
    lab: Lab, engine: Engine
) -> None:
    ids = lab.send(1)
    switch = Switch(engine)
    made: list[str] = []

    async def noted(article: Article) -> Riddle:
        made.append(article.text)
        switch.is_on = True
        return await good(article)

    doing = asyncio.create_task(lab.work(Pipeline(noted)).do(ids, mine))
    while not made:  # noqa: ASYNC110 -- there is nothing to wait on
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    assert not doing.done()
    switch.is_on = False
    await asyncio.wait_for(doing, 60)
    assert made == ["text 0"]
    assert lab.counts() == {"published": 1}
