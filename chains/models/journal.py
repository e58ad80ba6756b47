"""A journal of answered model calls: work that is done over after a crash gets the answers it has paid for.

`ChatModels` asks the journal of the running context before it calls a model. Without one it just calls.

A call is known by what the model is asked with, not by its place in the order of calls: sections of a long article are
condensed side by side, so that order is not fixed, and after a change of prompts or examples an old answer would
belong to another question.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from chains.models.completion import Completion
from chains.models.questions import question_hash
from domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from langchain_core.messages import BaseMessage

    from prompts.pipeline import StepSpec

    Answers = list[dict[str, Any]]


class JournalStore(Protocol):
    """Where a journal is kept; one for each piece of work that may be done over."""

    async def check(self) -> None:
        """Nothing, if the work is still this one's; raises what ends it if somebody else does it by now."""
        ...

    async def read(self, key: str) -> Answers | None:
        """The answers noted under a key; None when there are none."""
        ...

    async def write(self, key: str, answers: Answers) -> None:
        """Note answers, on the disk when this returns."""
        ...


class Journal:
    """The journal of one piece of work.

    The same question asked twice in one run is two calls: the second gets an answer of its own.

    Args:
        store: Where it is kept.
    """

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._asked: Counter[str] = Counter()

    async def once(self, key: str, call: Callable[[], Awaitable[list[Completion]]]) -> list[Completion]:
        """The answers noted for this question, or those of `call`, noted before anybody sees them."""
        self._asked[key] += 1
        numbered = key if self._asked[key] == 1 else f"{key[:56]}-{self._asked[key]}"
        noted = await self._store.read(numbered)
        if noted is not None:
            return [completion_of(answer) for answer in noted]
        await self._store.check()  # before it costs anything
        completions = await call()
        await self._store.write(numbered, [answer_of(completion) for completion in completions])
        return completions


_current: ContextVar[Journal | None] = ContextVar("riddlewire_journal", default=None)


@contextmanager
def journaled(journal: Journal) -> Iterator[None]:
    """Model calls inside the block, and in tasks begun there, go through the journal."""
    token = _current.set(journal)
    try:
        yield
    finally:
        _current.reset(token)


def current_journal() -> Journal | None:
    """The journal of the running context."""
    return _current.get()


def call_key(step: StepSpec, messages: Sequence[BaseMessage], n: int) -> str:
    """Names a step's question, whichever of its models answers: a fallback's answer is paid for as well."""
    return question_hash(messages, n, {"models": (step.model, *step.fallbacks), "settings": repr(step.settings)})


def answer_of(completion: Completion) -> dict[str, Any]:
    """A completion as JSON; what was streamed and which models failed before are not part of the answer."""
    return {
        "text": completion.text,
        "usage": asdict(completion.usage),
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "cached": completion.cached,
    }


def completion_of(answer: dict[str, Any]) -> Completion:
    """A completion read back."""
    return Completion(
        text=answer["text"],
        usage=Usage(**answer["usage"]),
        model=answer["model"],
        finish_reason=answer["finish_reason"],
        cached=answer["cached"],
    )
