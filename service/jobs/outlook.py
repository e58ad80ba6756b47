"""How jobs stand, as `/readyz` and the doctor tell it: in order, or what a person has to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.jobs.progress import WorkHealth
    from service.setting_groups.background import JobSettings
    from service.storage.job_overview import JobOverview


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that a person has to look at.

    Args:
        what: What is the case.
        remedy: What to do.
    """

    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How jobs stand.

    Args:
        summary: What waits and who is at it.
        troubles: Empty when all is in order.
    """

    summary: str
    troubles: tuple[Trouble, ...]


def outlook(
    overview: JobOverview, settings: JobSettings, *, here: WorkHealth | None, works_here: bool, hosts: bool = False
) -> Outlook:
    """Judge how jobs stand.

    Args:
        overview: From `job_overview`.
        settings: When jobs are late, and workers dead.
        here: How this process's own worker is, for where no table of workers tells; None without one.
        works_here: Whether jobs will be begun in this process, or on SQLite by one that cannot be seen from here.
        hosts: Whether machines and process ids are named: not to everybody who reaches the service.
    """
    troubles = (
        *_stuck(overview, here, hosts=hosts),
        *_deserted(overview, settings, works_here=works_here),
        *_late(overview, settings),
    )
    return Outlook(summary=_summary(overview, here), troubles=troubles)


def _stuck(overview: JobOverview, here: WorkHealth | None, *, hosts: bool) -> Iterator[Trouble]:
    remedy = "restart it: its articles are done over, with the answers that were noted"
    for worker in overview.workers or ():
        if worker.state == "stuck":
            where = f" (process {worker.pid} on {worker.host})" if hosts else ""
            yield Trouble(what=f"worker {worker.id}{where} is stuck: {worker.detail}", remedy=remedy)
    if overview.workers is None and here is not None and here.state == "stuck":
        yield Trouble(what=f"this process is stuck: {here.detail}", remedy=remedy)


def _deserted(overview: JobOverview, settings: JobSettings, *, works_here: bool) -> Iterator[Trouble]:
    waited_s = overview.oldest_waiting_s
    if not overview.workers and not works_here and waited_s is not None and waited_s >= settings.dead_after_s:
        yield Trouble(
            what=f"{overview.waiting} articles wait, the first for {waited_s:.0f} s, and no worker lives",
            remedy="start riddlewire work, or set RIDDLEWIRE_JOBS_WORK=true for serving processes",
        )


def _late(overview: JobOverview, settings: JobSettings) -> Iterator[Trouble]:
    waited_s = overview.oldest_waiting_s
    if waited_s is not None and waited_s >= settings.late_after_s:
        yield Trouble(
            what=f"an article has waited for {waited_s:.0f} s",
            remedy="start more workers, or see in the log and in riddlewire_provider_paused what they wait for",
        )


def _summary(overview: JobOverview, here: WorkHealth | None) -> str:
    money = f" ({overview.deferred} of them for a daily budget)" if overview.deferred else ""
    told = f"{overview.waiting} wait{money}, {overview.running} begun"
    if overview.workers is None:
        return told if here is None else f"{told}; this process is {here.state}"
    states = Counter(worker.state for worker in overview.workers)
    listed = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{told}; workers: {listed or 'none'}"
