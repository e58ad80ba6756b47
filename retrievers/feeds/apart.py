"""Parsing what strangers wrote in a process of its own, which can be ended.

Some documents keep a parser busy for hours: in a regular expression of a library that goes back and forth, which no
other thread of the process survives, or in a tree that it walks again and again. Who wrote one must not stop us.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from domain.errors import RiddlewireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio import CapacityLimiter

T = TypeVar("T")


class ParserGaveUp(RiddlewireError):
    """A document that a parser does not get done with, or dies of."""

    def __init__(self, cpu_s: float) -> None:
        self.reason = f"parsing it was given up: it took more than {cpu_s:g} s of CPU, or broke the parser"
        super().__init__(self.reason)


@dataclass(frozen=True)
class Apart:
    """Runs parsers in processes of their own, which stay for the next document; one that takes too long is killed.

    Args:
        at_once: Processes.
        cpu_s: Seconds of CPU that one document may take. The operating system sees to it, so that the process of a
            service that was killed meanwhile does not go on.
        wall_s: Seconds after which nobody waits any more, on a machine that is busy or sleeps.
    """

    at_once: int = 2
    cpu_s: int = 10
    wall_s: float = 60.0

    @cached_property
    def _limiter(self) -> CapacityLimiter:
        from anyio import CapacityLimiter

        return CapacityLimiter(self.at_once)

    async def run(self, parse: Callable[..., T], *arguments: Any) -> T:
        """What `parse` gives. It stands in a module, and what it takes and gives can be pickled; errors, too.

        Raises:
            ParserGaveUp: It took too long, or its process died.
        """
        from anyio import BrokenWorkerProcess
        from anyio.to_process import run_sync

        try:
            async with self._limiter, asyncio.timeout(self.wall_s):
                return await run_sync(_limited, self.cpu_s, parse, *arguments, cancellable=True, limiter=_one())
        except (TimeoutError, BrokenWorkerProcess):
            raise ParserGaveUp(self.cpu_s) from None


def _one() -> CapacityLimiter:
    """Who runs a parser has its place already; waiting for that counts for nobody's time."""
    from anyio import CapacityLimiter

    return CapacityLimiter(1)


def _limited(cpu_s: int, parse: Callable[..., T], *arguments: Any) -> T:
    """In the process: with so much CPU and no core dump after it. A Ctrl-C is for the process that waits for it."""
    import resource
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    return parse(*arguments)
