"""A journal of answered model calls: work that is done over after a crash gets the answers it has paid for.

`ChatModels` asks the journal of the running context before it calls a model. Without one it just calls.

A call is known by what the model is asked with, not by its place in the order of calls: sections of a long article are
condensed side by side, so that order is not fixed, and after a change of prompts an old answer would belong to another
question.

What is asked also depends on things that change while work waits to be done over: which examples are the most similar,
and how an attempt compares with them. Such decisions are kept too, with the first answer that follows them, so that the
second run asks what the first one asked.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chains.models.completion import Completion
from chains.models.questions import question_hash
from domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from prompts.pipeline import StepSpec

    Notes = list[dict[str, Any]]

T = TypeVar("T")


class JournalStore(Protocol):
    """Where a journal is kept; one for each piece of work that may be done over."""

    async def check(self) -> None:
        """Nothing, if the work is still this one's; raises what ends it if somebody else does it by now."""
        ...

    async def read(self, key: str) -> Notes | None:
        """What is noted under a key; None when nothing is."""
        ...

    async def write(self, notes: Mapping[str, Notes]) -> None:
        """Note all of it or nothing, on the disk when this returns; what is noted under a key already stays."""
        ...


def _ignore() -> None:
    """Nobody counts."""


def _ignore_found(_: Sequence[Completion]) -> None:
    """Nobody counts."""


class Journal:
    """The journal of one piece of work.

    The same question asked twice in one run is two calls: the second gets an answer of its own.

    Args:
        store: Where it is kept.
        on_found: Told of each answer that was noted before.
    """

    def __init__(self, store: JournalStore, *, on_found: Callable[[], None] = _ignore) -> None:
        self._store = store
        self._on_found = on_found
        self._asked: Counter[str] = Counter()
        self._decided: dict[str, Notes] = {}

    async def once(
        self,
        key: str,
        call: Callable[[], Awaitable[list[Completion]]],
        *,
        on_found: Callable[[Sequence[Completion]], None] = _ignore_found,
    ) -> list[Completion]:
        """The answers noted for this question, or those of `call`, noted before anybody sees them.

        Args:
            key: Names the question.
            call: Asks it.
            on_found: Given the answers when they were noted before, so that whoever counts questions counts this one.
        """
        self._asked[key] += 1
        numbered = _numbered(key, self._asked[key])
        noted = await self._store.read(numbered)
        if noted is not None:
            self._on_found()
            found = [completion_of(answer) for answer in noted]
            on_found(found)
            return found
        await self._store.check()  # before it waits for its turn; what the wait makes of it, the scope's `check` tells
        completions = await call()
        decided = dict(self._decided)
        await self._store.write({**decided, numbered: [answer_of(completion) for completion in completions]})
        for known in decided:
            self._decided.pop(known, None)
        return completions

    async def decided(
        self,
        key: str,
        decide: Callable[[], Awaitable[T]],
        *,
        note: Callable[[T], Notes],
        restore: Callable[[Notes], Awaitable[T | None]],
    ) -> T:
        """What a run before this one decided, if an answer was paid for after it; else what `decide` gives.

        Args:
            key: Names what is decided; a hash of all that may change it besides what others do.
            decide: Decides anew.
            note: A decision as JSON.
            restore: A decision read back; None when it cannot stand any more, as when an example was removed.
        """
        for number in count(1):
            numbered = _numbered(f"decided-{key[:48]}", number)
            noted = await self._store.read(numbered)
            if noted is None:
                break
            restored = await restore(noted)
            if restored is not None:
                return restored
        decision = await decide()
        self._decided[numbered] = note(decision)
        return decision


def _numbered(key: str, number: int) -> str:
    return key if number == 1 else f"{key[:56]}-{number}"


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
