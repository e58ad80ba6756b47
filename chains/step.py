"""What all steps share: each is one LangChain Runnable, traced as one run, with its work in one coroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.runnables import Runnable
from langchain_core.runnables.config import ensure_config, get_async_callback_manager_for_config

from chains.callbacks import chain_ended, inherited, nobody_hears_steps
from chains.portal import run_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from langchain_core.callbacks import AsyncCallbackManager
    from langchain_core.runnables import RunnableConfig

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


class Step(Runnable[Task, Outcome]):
    """A task in, an outcome out.

    `ainvoke` opens and closes a run as `Runnable._acall_with_config` does, where anybody listens, but hands the config
    to the work by argument: without looking at signatures, without a task and a context of its own, and without
    configuring callbacks again that a step of ours has handed down. All that costs a third of a millisecond for each
    step of each article.
    """

    _work: Callable[..., Coroutine[Any, Any, Outcome]]
    """Does the work, given the task, the config that makes model calls children of this run, and the step's options."""

    def invoke(
        self,
        input: Task,  # noqa: A002 -- LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Outcome:
        """The same as `ainvoke`, for callers without an event loop; works in a notebook too."""
        return run_sync(self.ainvoke(input, config, **kwargs))

    async def ainvoke(
        self,
        input: Task,  # noqa: A002 -- LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Outcome:
        """Run the step; options differ from step to step."""
        if nobody_hears_steps(config):
            return await self._work(input, config, **kwargs)
        config, callbacks = _opened(config)
        run = await callbacks.on_chain_start(
            None,
            input,
            name=config.pop("run_name", None) or self.get_name(),
            run_id=config.pop("run_id", None),
        )
        config["callbacks"] = run.get_child()
        try:
            outcome = await self._work(input, config, **kwargs)
        except BaseException as error:
            await run.on_chain_error(error)
            raise
        await chain_ended(run, outcome)
        return outcome


def _opened(config: RunnableConfig | None) -> tuple[RunnableConfig, AsyncCallbackManager]:
    """A config of its own for a run, and its callbacks: those of the run above, or configured for a first run."""
    callbacks = inherited(config)
    if config is not None and callbacks is not None:
        return config.copy(), callbacks
    config = ensure_config(config)
    return config, get_async_callback_manager_for_config(config)
