"""LangChain callbacks that a run of ours has handed down: they need not be put together again for each run below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.callbacks import AsyncCallbackManager

if TYPE_CHECKING:
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
