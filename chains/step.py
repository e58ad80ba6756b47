"""What all steps share: each is one LangChain Runnable, traced as one run, with its work in one coroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.runnables import Runnable

from chains.portal import run_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from langchain_core.runnables import RunnableConfig

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


class Step(Runnable[Task, Outcome]):
    """A task in, an outcome out. Few and large: every nested Runnable costs a fifth of a millisecond."""

    _work: Callable[..., Coroutine[Any, Any, Outcome]]
    """Does the work, given the task, the config that makes model calls children of this run, and the step's options."""

    def invoke(self, input: Task, config: RunnableConfig | None = None, **kwargs: Any) -> Outcome:  # noqa: A002 -- its name
        """The same as `ainvoke`, for callers without an event loop; works in a notebook too."""
        return run_sync(self.ainvoke(input, config, **kwargs))

    async def ainvoke(self, input: Task, config: RunnableConfig | None = None, **kwargs: Any) -> Outcome:  # noqa: A002 -- its name
        """Run the step; options differ from step to step."""
        work: Any = self._work  # LangChain's annotation knows no options, its code passes them on
        outcome: Outcome = await self._acall_with_config(work, input, config, **kwargs)
        return outcome
