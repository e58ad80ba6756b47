"""Fixtures that all tests may use come from `tests/support`, one module a resource."""

from __future__ import annotations

import os
import signal

import pytest

pytest_plugins = ["tests.support.postgres"]

BEGUN_FIRST = ("tests/service/jobs/", "tests/service/cli/", "tests/finetuning/", "tests/chains/models/")
"""Where the files are that take longest. `make test` goes through the files in this order: a long one that is begun
last would leave cores idle at the end."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many files at once again as there are cores: a test of processes mostly waits for them."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_configure() -> None:
    """Hear Ctrl-C, and let the processes that tests start hear it: a shell's background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the order within a folder stays."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    long = (turn for turn, folder in enumerate(BEGUN_FIRST) if item.nodeid.startswith(folder))
    return next(long, len(BEGUN_FIRST))
