"""On whose account model calls are made: said once around a run, and known to every call beneath it.

It travels in a context variable, which tasks inherit, so that no step has to pass on what it does not care about:

    with in_scope(CallScope(priority="batch", key_id="4f1c")):
        riddle = await pipeline.ainvoke(article)
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

Priority = Literal["interactive", "batch"]
"""Whether somebody waits for the answer. Where a limit is tight, interactive calls go first."""

CacheUse = Literal["use", "refresh", "off"]
"""`use` takes an answer that was given before, `refresh` asks again and keeps the new one, `off` does neither."""


async def _always() -> None:
    """Nobody else can have the work of this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScope:
    """What holds for all model calls of a run.

    Args:
        priority: Whether somebody waits for them.
        key_id: Of the API key they are made for; None without keys.
        pipeline: Its name; None outside a pipeline's run.
        cache: What is done with answers that were given before; nothing is remembered outside a run.
        asker: Names the article that they are made for, so that one which provokes bad answers is told from a provider
            that gives no others; None where nobody says.
        check: Nothing, while the run may still make calls; raises what ends it. Asked whenever a call, or a further try
            of one, is about to go out, after it has waited for its turn.
        asked: How often this run has asked each question, so that a second attempt never gets the first one's answer.
    """

    priority: Priority = "interactive"
    key_id: str | None = None
    pipeline: str | None = None
    cache: CacheUse = "use"
    asker: str | None = None
    check: Callable[[], Awaitable[None]] = _always
    asked: Counter[str] | None = None


_NOBODY = CallScope()
_scope: ContextVar[CallScope] = ContextVar("riddlewire_call_scope", default=_NOBODY)


def current_scope() -> CallScope:
    """The scope of the block that runs now; a plain `CallScope()` where there is none."""
    return _scope.get()


@contextmanager
def in_scope(scope: CallScope) -> Iterator[None]:
    """Everything that is awaited or begun in the block is done in `scope`."""
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def in_run(pipeline: str, *, caches: bool = True) -> Iterator[None]:
    """One run of a pipeline, in the scope that its caller has set.

    Args:
        pipeline: Its name.
        caches: Whether the pipeline lets answers be remembered.
    """
    scope = current_scope()
    cache: CacheUse = scope.cache if caches else "off"
    with in_scope(replace(scope, pipeline=pipeline, cache=cache, asked=Counter())):
        yield
