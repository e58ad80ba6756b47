"""A closed-loop load generator: so many callers, each asking again as soon as it was answered."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import aiohttp

from bench.processes import Meter, Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TIMEOUT_S = 120.0
_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running server and how it is asked.

    Args:
        name: In tables.
        pid: Its process.
        url: Where articles are posted.
        body: The request for an article.
        headers: Sent with every request.
        judge: What an answer was, in a word; `ok` counts as one that was good.
    """

    name: str
    pid: int
    url: str
    body: Callable[[str], bytes]
    judge: Callable[[int, bytes], str]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one stretch of load gave.

    Args:
        latencies_s: Of the good answers, sorted.
        outcomes: How many answers were what.
        spent: CPU and time.
    """

    latencies_s: list[float]
    outcomes: Counter[str]
    spent: Spent

    @property
    def answered(self) -> int:
        """All answers, good or not."""
        return self.outcomes.total()

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return len(self.latencies_s) / self.spent.wall_s

    @property
    def server_ms(self) -> float:
        """CPU milliseconds of the server for each answer."""
        return self.spent.server_s * 1e3 / max(self.answered, 1)

    def latency_ms(self, percent: float) -> float:
        """A percentile of the good answers' latency."""
        return percentile(self.latencies_s, percent) * 1e3


def percentile(values: list[float], percent: float) -> float:
    """Nearest rank in sorted values; NaN of none."""
    if not values:
        return float("nan")
    return values[min(len(values) - 1, int(percent / 100 * len(values)))]


async def _until(holds: Callable[[], bool], most_s: float) -> None:
    deadline = time.perf_counter() + most_s
    while not holds() and time.perf_counter() < deadline:  # noqa: ASYNC110 -- nothing here is worth an event
        await asyncio.sleep(0.02)


@dataclass
class _Tally:
    latencies_s: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def sample(self, spent: Spent) -> Sample:
        return Sample(latencies_s=sorted(self.latencies_s), outcomes=self.outcomes, spent=spent)


class Load:
    """Asks targets for riddles of ever new articles; use as an asynchronous context.

    Args:
        articles: Taken in turn; each request adds a sentence of its own, so that none is like another.
        stub: Process of the stub, to keep its CPU apart.
        timeout_s: After which an answer counts as none.
    """

    def __init__(self, articles: list[str], stub: int | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        self._articles = articles
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._stub = stub
        self._stamp = f"{time.time_ns():x}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def count(self, target: Target, *, concurrency: int, requests: int) -> Sample:
        """So many requests, from first to last."""
        tally, left = _Tally(), iter(range(requests))

        async def caller() -> None:
            for _ in left:
                await self._ask(target, tally)

        meter = Meter(target.pid, self._stub)
        await asyncio.gather(*(caller() for _ in range(concurrency)))
        return tally.sample(meter.read())

    async def steady(self, target: Target, *, concurrency: int, least_s: float, most_s: float) -> Sample:
        """A steady stretch in the middle of a longer one.

        It begins when as many were answered as there are callers, lasts at least `least_s` and until twice as many
        more were answered, and neither part lasts longer than `most_s`.
        """
        tally, ended = _Tally(), asyncio.Event()

        async def caller() -> None:
            while not ended.is_set():
                await self._ask(target, tally)

        callers = [asyncio.create_task(caller()) for _ in range(concurrency)]
        await _until(lambda: tally.outcomes.total() >= concurrency, most_s)
        tally.latencies_s, tally.outcomes = [], Counter()
        meter = Meter(target.pid, self._stub)
        await asyncio.sleep(least_s)
        await _until(lambda: tally.outcomes.total() >= 2 * concurrency, most_s - least_s)
        sample = tally.sample(meter.read())
        tally.latencies_s, tally.outcomes = [], Counter()  # what is answered from here on does not count
        ended.set()
        await asyncio.gather(*callers)
        return sample

    async def _ask(self, target: Target, tally: _Tally) -> None:
        number = next(_numbers)
        article = f"{self._articles[number % len(self._articles)]} This is edition {self._stamp}-{number}."
        started = time.perf_counter()
        try:
            async with self._session.post(target.url, data=target.body(article), headers=target.headers) as response:
                outcome = target.judge(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome = type(error).__name__
        tally.outcomes[outcome] += 1
        if outcome == "ok":
            tally.latencies_s.append(time.perf_counter() - started)
