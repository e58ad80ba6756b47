"""How batches are taken in: what they share, and how much may wait; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain import Article
from service.errors import BatchTooLarge, QueueFull
from service.storage.intake import IntakeRules

if TYPE_CHECKING:
    from tests.service.storage.desk import Desk


def test_the_same_text_is_one_job_and_both_items_get_its_riddle(desk: Desk) -> None:
    batch = desk.send("one", "two", "one")
    first, second = desk.job_ids()
    desk.keep(desk.started(first))
    assert desk.counts(batch) == {"published": 2, "queued": 1}
    desk.keep(desk.started(second))
    assert desk.batches.get(batch.id).status == "done"
    assert desk.finished == [batch.id]
    riddles = [item.riddle.id for item in desk.batches.items(batch.id) if item.riddle]
    assert riddles[0] == riddles[2] != riddles[1]


def test_an_item_keeps_the_article_it_was_sent_as_before_and_after_there_is_a_riddle(desk: Desk) -> None:
    first = Article(text="one", title="A", url="https://a.example/", source="a")
    other = Article(text="one", title="B", url="https://b.example/", source="b")
    batch = desk.send_articles(first, other)
    assert [item.riddle for item in desk.batches.items(batch.id)] == [None, None]
    desk.keep(desk.started(*desk.job_ids()))
    again = desk.send_articles(other, first)
    for sent, expected in ((batch, [first, other]), (again, [other, first])):
        assert [item.riddle.riddle.article for item in desk.batches.items(sent.id) if item.riddle] == expected


def test_work_is_shared_with_other_batches_of_the_same_pipeline_and_tenant_only(desk: Desk) -> None:
    desk.send("one")
    desk.send("one")
    assert len(desk.job_ids()) == 1
    desk.send("one", pipeline="other")
    desk.send("one", tenant="t")
    assert len(desk.job_ids()) == 3
    desk.send("one", since=None)
    assert len(desk.job_ids()) == 4


def test_finished_work_is_shared_for_a_while_and_open_work_however_old_it_is(desk: Desk) -> None:
    desk.send("one", "two")
    first, _ = desk.job_ids()
    desk.keep(desk.started(first))
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert desk.counts(desk.send("one", "two", since=later)) == {"queued": 2}
    assert len(desk.job_ids()) == 3, "`one` is worked on anew, `two` still waits"


def test_open_work_is_shared_by_the_key_that_pays_for_it_and_finished_work_by_all(desk: Desk) -> None:
    desk.send("one", key_id="poor")
    (poors,) = desk.job_ids()
    mine = desk.send("one", "one", key_id="rich")
    _, richs = desk.job_ids()
    desk.keep(desk.started(richs))
    assert desk.batches.get(mine.id).status == "done"
    desk.fail(desk.started(poors))
    assert desk.send("one", key_id="poor").status == "done"
    assert desk.send("one", key_id="third").status == "done"
    assert len(desk.job_ids()) == 2


def test_of_two_jobs_with_the_same_text_the_finished_one_is_taken(desk: Desk) -> None:
    for key_id in ("one", "other"):
        desk.send("text", key_id=key_id)
    first, second = desk.job_ids()
    desk.keep(desk.started(first))
    assert desk.send("text", key_id="other").status == "done"
    desk.keep(desk.started(second))


def test_no_more_articles_wait_than_may_however_many_batches_come_at_once(desk: Desk) -> None:
    def send(number: int) -> bool:
        try:
            desk.send(*(f"{number} {part}" for part in range(3)), most_waiting=7)
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(send, range(8)))
    assert sum(taken) == 2
    assert desk.queue.waiting() == 6


def test_only_what_is_new_counts_against_the_bound(desk: Desk) -> None:
    desk.send("done", "waits")
    desk.keep(desk.started(desk.job_ids()[0]))
    desk.send("done", "waits", "new", "new", most_waiting=2)
    with pytest.raises(QueueFull):
        desk.send("newer", most_waiting=2)
    assert desk.send("done", most_waiting=1).status == "done", "a batch of nothing new is taken however many wait"


def test_a_batch_with_more_new_articles_than_may_wait_is_never_told_to_come_back(desk: Desk) -> None:
    with pytest.raises(BatchTooLarge, match=r"4 articles .* 3 may wait"):
        desk.send("1", "2", "3", "4", "4", most_waiting=3)
    assert desk.job_ids() == []


def test_articles_that_are_run_again_count_against_the_bound_unless_nothing_else_waits(desk: Desk) -> None:
    batch = desk.send("one", "two")
    for job_id in desk.job_ids():
        desk.fail(desk.started(job_id))
    desk.send("other")
    with pytest.raises(QueueFull):
        desk.batches.retry(batch.id, rules=IntakeRules(most_waiting=2))
    assert desk.counts(batch) == {"failed": 2}
    desk.keep(desk.started(desk.job_ids()[-1]))
    assert desk.batches.retry(batch.id, rules=IntakeRules(most_waiting=1)).counts.by_status == {"queued": 2}


def test_a_batch_of_nothing_new_is_done_at_once(desk: Desk) -> None:
    desk.send("one")
    desk.keep(desk.started(*desk.job_ids()))
    again = desk.send("one", "one")
    assert again.status == "done"
    assert desk.finished[-1] == again.id
