"""How batches are counted, cancelled and run again, on both databases."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from domain.errors import NotFound
from service.errors import BatchIsFinished
from service.storage.intake import IntakeRules
from service.storage.job_tables import batches, jobs
from service.storage.scope import EVERYTHING, OfKey, OfTenant
from tests.service.storage.desk import LONG_AGO

if TYPE_CHECKING:
    from service.storage.batch_rows import StoredBatch
    from service.storage.jobs import StartedJob
    from service.storage.scope import Scope
    from tests.service.storage.desk import Desk


def test_cancelling_leaves_what_runs_and_what_another_batch_waits_for(desk: Desk) -> None:
    batch, other = desk.send("running", "shared", "mine"), desk.send("shared")
    running, shared, mine = desk.job_ids()
    job = desk.started(running)
    assert desk.batches.cancel(batch.id).counts.by_status == {"running": 1, "cancelled": 2}
    assert desk.begin(mine) is None
    desk.keep(job)
    assert desk.batches.get(batch.id).status == "cancelled"
    assert desk.batches.get(batch.id).is_over
    desk.keep(desk.started(shared))
    assert desk.counts(batch) == {"published": 1, "cancelled": 2}
    assert [item.riddle is None for item in desk.batches.items(batch.id)] == [False, True, True]
    assert desk.batches.get(other.id).status == "done"
    assert desk.finished == [batch.id, other.id]
    desk.batches.cancel(batch.id)
    with pytest.raises(BatchIsFinished):
        desk.batches.cancel(other.id)


def test_a_retry_where_nothing_has_failed_changes_nothing(desk: Desk) -> None:
    batch = desk.send("one", "two")
    one, _ = desk.job_ids()
    assert desk.batches.retry(batch.id).counts.by_status == {"queued": 2}
    desk.fail(desk.started(one))
    for _ in range(2):
        assert desk.batches.retry(batch.id).counts.by_status == {"queued": 2}
    desk.keep(desk.started(desk.newest_job()))
    desk.batches.cancel(batch.id)
    again = desk.batches.retry(batch.id)
    assert (again.status, again.counts.by_status) == ("cancelled", {"published": 1, "cancelled": 1})


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_of_batches_are_those_of_their_items_whatever_happens(desk: Desk, seed: int) -> None:
    chance = Random(seed)
    sent: list[StoredBatch] = []
    running: list[StartedJob] = []
    failed: set[tuple[str, int]] = set()
    for _ in range(60):
        _step(desk, chance, sent, running)
        for batch in sent:
            found = desk.batches.get(batch.id)
            stored = desk.batches.items(batch.id)
            items = Counter(item.status for item in stored)
            assert found.counts.by_status == dict(items)
            assert found.is_over == (items["queued"] + items["running"] == 0)
            failed |= {(batch.id, item.index) for item in stored if item.status == "failed"}
            assert not failed & {(batch.id, item.index) for item in stored if item.status == "cancelled"}


def _step(desk: Desk, chance: Random, sent: list[StoredBatch], running: list[StartedJob]) -> None:
    """Something that happens to batches, by chance."""
    match chance.choice(("send", "begin", "begin", "keep", "fail", "cancel", "retry")):
        case "send":
            texts = chance.choices("abcdef", k=chance.randint(1, 4))
            sent.append(desk.send(*texts, key_id=chance.choice(("one", "other"))))
        case "begin":
            job_ids = [job_id for job_id in desk.job_ids() if job_id not in {job.id for job in running}]
            job = desk.begin(chance.choice(job_ids)) if job_ids else None
            running.extend([job] if job is not None else [])
        case "keep" if running:
            desk.keep(running.pop())
        case "fail" if running:
            desk.fail(running.pop(0))
        case "cancel" if sent:
            with suppress(BatchIsFinished):
                desk.batches.cancel(chance.choice(sent).id)
        case "retry" if sent:
            rules = chance.choice((IntakeRules(), IntakeRules(dedup_since=LONG_AGO)))
            desk.batches.retry(chance.choice(sent).id, rules=rules)


def test_what_was_finished_before_says_nothing_of_the_time_left(desk: Desk) -> None:
    desk.send("old", "older")
    for job_id in desk.job_ids():
        desk.keep(desk.started(job_id))
    batch = desk.send("old", "older", "one", "two", "three")
    assert batch.eta_seconds() is None
    desk.keep(desk.started(desk.job_ids()[2]))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    assert stored.eta_seconds(stored.counts.began_at + timedelta(seconds=10)) == 20.0


def test_after_a_retry_the_time_left_follows_from_what_was_run_again(desk: Desk) -> None:
    batch = desk.send("one", "two", "three")
    ids = desk.job_ids()
    for job_id in ids:
        desk.fail(desk.started(job_id))
    long_ago = {"started_at": LONG_AGO, "created_at": LONG_AGO}
    with desk.engine.begin() as connection:
        connection.execute(update(jobs).values(long_ago))
        connection.execute(update(batches).values(created_at=LONG_AGO, began_at=LONG_AGO))
    assert desk.batches.retry(batch.id).eta_seconds() is None
    desk.keep(desk.started(desk.newest_job()))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    assert datetime.now(UTC) - stored.counts.began_at < timedelta(minutes=1)
    assert stored.eta_seconds(stored.counts.began_at + timedelta(seconds=10)) == 20.0


def test_the_time_left_follows_from_what_has_ended(desk: Desk) -> None:
    batch = desk.send("one", "two", "three")
    assert desk.batches.get(batch.id).eta_seconds() is None
    desk.keep(desk.started(desk.job_ids()[0]))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    moment = max(stored.counts.began_at, stored.created_at) + timedelta(seconds=10)
    assert stored.eta_seconds(moment) == 20.0


def test_a_batch_is_its_tenants_or_its_keys_where_it_has_no_tenant(desk: Desk) -> None:
    keys, tenants = desk.send("one", key_id="k1"), desk.send("two", key_id="k2", tenant="t")
    scopes: dict[str, tuple[Scope, ...]] = {
        keys.id: (EVERYTHING, OfKey("k1")),
        tenants.id: (EVERYTHING, OfTenant("t")),
    }
    for batch_id, insiders in scopes.items():
        for scope in (EVERYTHING, OfKey("k1"), OfKey("k2"), OfTenant("t"), OfTenant("u")):
            for ask in (desk.batches.get, desk.batches.retry, desk.batches.cancel):
                if scope in insiders:
                    assert ask(batch_id, scope=scope).id == batch_id
                else:
                    with pytest.raises(NotFound, match="batch"):
                        ask(batch_id, scope=scope)


def test_the_newest_batches_are_listed_and_open_ones_apart(desk: Desk) -> None:
    sent = [desk.send(text) for text in ("a", "b", "c")]
    desk.keep(desk.started(desk.job_ids()[1]))
    assert [batch.id for batch in desk.batches.newest(limit=2)] == [sent[2].id, sent[1].id]
    assert [batch.id for batch in desk.batches.newest(only_open=True)] == [sent[2].id, sent[0].id]
