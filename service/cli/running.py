"""Runs coroutines from commands; asyncio is imported when one is run, because `--help` has no use for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C cancels the work, waits for its clean-up and then ends the command."""
    import asyncio

    return asyncio.run(work)


async def stopped_by_sigterm(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; SIGTERM, which supervisors and `timeout` send, stops it as Ctrl-C does.

    Raises:
        typer.Exit: It was stopped so.
    """
    import asyncio
    import signal

    import typer

    from service.cli.exits import Exit

    loop, working = asyncio.get_running_loop(), asyncio.ensure_future(work)
    told = asyncio.Event()

    def stop() -> None:
        told.set()
        working.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        return await working
    except asyncio.CancelledError:
        if told.is_set():
            raise typer.Exit(Exit.INTERRUPTED) from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def run_for_long(work: Coroutine[Any, Any, T]) -> T:
    """The same for a process that serves: on the event loop of the service."""
    import asyncio

    from uvicorn.loops.auto import auto_loop_factory

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(work)
