"""Fixtures that all tests may use come from `tests/support`, one module a resource."""

from __future__ import annotations

import signal

pytest_plugins = ["tests.support.postgres"]


def pytest_configure() -> None:
    """Hear Ctrl-C, and let the processes that tests start hear it: a shell's background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
