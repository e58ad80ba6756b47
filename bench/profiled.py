"""Runs the `riddlewire` command under cProfile, worker threads included: `python -m bench.profiled OUT serve ...`.

Writes OUT when the command ends. cProfile makes Python calls dearer than C calls, so read shares, not milliseconds.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
from concurrent.futures import thread
from typing import Any

_own = threading.local()
_of_threads: list[cProfile.Profile] = []


def main() -> None:
    """Run the command."""
    from service.cli.main import run

    out, *arguments = sys.argv[1:]
    _profile_workers()
    loop = cProfile.Profile()
    try:
        loop.runcall(run, arguments)
    finally:
        stats = pstats.Stats(loop)
        for profile in _of_threads:
            stats.add(profile)
        stats.dump_stats(out)


def _profile_workers() -> None:
    item = thread._WorkItem  # noqa: SLF001 -- the only place where every thread pool passes
    run = item.run

    def profiled(self: Any) -> None:
        if not hasattr(_own, "profile"):
            _own.profile = cProfile.Profile()
            _of_threads.append(_own.profile)
        _own.profile.enable()
        try:
            run(self)
        finally:
            _own.profile.disable()

    item.run = profiled  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
