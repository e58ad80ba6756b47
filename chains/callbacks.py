"""LangChain callbacks that a run of ours has handed down: they need not be put together again for each run below it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.callbacks.manager import handle_event

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForChainRun, AsyncCallbackManagerForLLMRun
    from langchain_core.outputs import LLMResult
    from langchain_core.runnables import RunnableConfig


def inherited(config: RunnableConfig | None) -> AsyncCallbackManager | None:
    """The callbacks of the run above, which has named itself as their parent; None for a first run.

    LangChain configures callbacks anew for every run: it looks at the environment, context variables, tags and
    metadata, which costs a quarter of a millisecond and changes nothing for a child of a run configured just before.
    """
    callbacks = config.get("callbacks") if config else None
    if isinstance(callbacks, AsyncCallbackManager) and callbacks.parent_run_id is not None:
        return callbacks
    return None


def nobody_hears_steps(config: RunnableConfig | None) -> bool:
    """Whether a run below another would be told to nobody: all who listen have `hears_steps = False`.

    They hear of whole pipelines and of model calls. To open and close a run for each step in between costs more than
    most steps do.
    """
    callbacks = inherited(config)
    return callbacks is not None and not any(getattr(one, "hears_steps", True) for one in callbacks.handlers)


async def chain_ended(run: AsyncCallbackManagerForChainRun, outcome: Any) -> None:
    """Tell a run's handlers what it gave."""
    if _listen_at_once(run, "on_chain_end"):
        _tell(run, "on_chain_end", "ignore_chain", outcome)
    else:
        await run.on_chain_end(outcome)


async def llm_ended(run: AsyncCallbackManagerForLLMRun, result: LLMResult) -> None:
    """Tell a model call's handlers what it gave."""
    if _listen_at_once(run, "on_llm_end"):
        _tell(run, "on_llm_end", "ignore_llm", result)
    else:
        await run.on_llm_end(result)


def _tell(
    run: AsyncCallbackManagerForChainRun | AsyncCallbackManagerForLLMRun, event: str, ignored_by: str, what: Any
) -> None:
    handle_event(
        run.handlers, event, ignored_by, what, run_id=run.run_id, parent_run_id=run.parent_run_id, tags=run.tags
    )


def _listen_at_once(run: AsyncCallbackManagerForChainRun | AsyncCallbackManagerForLLMRun, event: str) -> bool:
    """Whether all handlers are plain functions to be called here.

    Then nothing is awaited, nothing can be cancelled, and the task that LangChain begins for it would shield nothing.
    """
    return all(
        handler.run_inline and not inspect.iscoroutinefunction(getattr(handler, event)) for handler in run.handlers
    )
