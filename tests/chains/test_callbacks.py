"""Whoever listens to a run hears of its end, whichever way they listen."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler

from chains.step import Step

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class Double(Step[int, int]):
    name = "double"

    async def _work(self, task: int, _config: RunnableConfig) -> int:
        return 2 * task


class Here(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.heard: list[tuple[Any, bool]] = []

    def on_chain_end(self, outputs: Any, **_: Any) -> None:
        self.heard.append((outputs, threading.current_thread() is threading.main_thread()))


class Elsewhere(Here):
    run_inline = False


class Awaited(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[tuple[Any, bool]] = []

    async def on_chain_end(self, outputs: Any, **_: Any) -> None:
        await asyncio.sleep(0.05)
        self.heard.append((outputs, threading.current_thread() is threading.main_thread()))


class AwaitedInline(Awaited):
    run_inline = True


class Failing(BaseCallbackHandler):
    run_inline = True

    def __init__(self, *, raises: bool) -> None:
        self.raise_error = raises

    def on_chain_end(self, outputs: Any, **_: Any) -> None:
        raise ValueError(outputs)


@pytest.mark.parametrize(
    "kinds", [[Here], [Elsewhere], [Awaited], [AwaitedInline], [Here, Awaited], [Awaited, Here, Elsewhere]]
)
async def test_each_hears_once_where_it_asked_to(kinds: list[type[Any]]) -> None:
    handlers = [kind() for kind in kinds]
    assert await Double().ainvoke(2, {"callbacks": handlers}) == 4
    for handler in handlers:
        assert handler.heard == [(4, type(handler) is not Elsewhere)]


class Outer(Step[int, int]):
    name = "outer"

    async def _work(self, task: int, config: RunnableConfig) -> int:
        return await Double().ainvoke(task, config) + 1


class HearsNoSteps(Here):
    hears_steps = False


async def test_who_does_not_hear_steps_hears_of_whole_runs_and_takes_nothing_from_others() -> None:
    alone, beside, other = HearsNoSteps(), HearsNoSteps(), Here()
    assert await Outer().ainvoke(2, {"callbacks": [alone]}) == 5
    assert alone.heard == [(5, True)]
    assert await Outer().ainvoke(2, {"callbacks": [beside, other]}) == 5
    assert other.heard == [(4, True), (5, True)]
    assert beside.heard == other.heard


@pytest.mark.parametrize("raises", [False, True])
async def test_an_error_of_a_listener_is_raised_only_where_it_says_so(*, raises: bool) -> None:
    last = Here()
    handlers: list[BaseCallbackHandler] = [Failing(raises=raises), last]
    if raises:
        with pytest.raises(ValueError, match="4"):
            await Double().ainvoke(2, {"callbacks": handlers})
    else:
        assert await Double().ainvoke(2, {"callbacks": handlers}) == 4
        assert last.heard == [(4, True)]


async def test_a_slow_listener_hears_of_a_run_whose_caller_has_gone() -> None:
    slow = Awaited()
    run = asyncio.create_task(Double().ainvoke(2, {"callbacks": [slow]}))
    await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.sleep(0.1)
    assert slow.heard == [(4, True)]
