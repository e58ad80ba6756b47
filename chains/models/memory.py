"""Answers a question from memory where a run may be answered so, and remembers what models answer."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage

from chains.models.calls import Answer
from chains.models.loop_local import LoopLocal
from chains.models.remembered import GivenAnswer, question_name
from chains.models.scope import current_scope
from domain.usage import Usage

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from chains.models.calls import Call, Deltas
    from chains.models.names import ModelName
    from chains.models.remembered import StepCache
    from chains.models.scope import Priority
    from chains.models.settings import ModelSettings

    Ask = Callable[[], Awaitable[list[Answer]]]

_WHOLE = frozenset({"stop", "length", "end_turn", "stop_sequence", "max_tokens", "eos"})
"""How an answer that is all there ends, in the words of OpenAI, Anthropic, Google and Hugging Face, in lower case."""


class Memory:
    """Stands between a step and its model.

    Questions that come at once in one event loop are asked once; those of batches apart from those whose answer
    somebody waits for, since a batch may wait long for its turn. Only whole answers are remembered, and only those of a
    pipeline's run: there the number of times a question was asked keeps one attempt from getting another's answer.

    Args:
        cache: Where answers are kept; None remembers nothing.
        settings: Of the models, a part of every question.
    """

    def __init__(self, cache: StepCache | None, settings: ModelSettings) -> None:
        self._cache = cache
        self._settings = settings
        self._being_asked: LoopLocal[dict[tuple[str, Priority], asyncio.Future[list[Answer] | None]]] = LoopLocal(dict)

    async def answers(
        self, call: Call, n: int, messages: Sequence[BaseMessage], deltas: Deltas, ask: Ask
    ) -> list[Answer]:
        """The answers of before, or those that `ask` gives.

        Args:
            call: The model and what it is asked with.
            n: How many answers are wanted.
            messages: What it is asked.
            deltas: Given a remembered text in one piece.
            ask: Asks the model.
        """
        scope = current_scope()
        if self._cache is None or scope.cache == "off" or scope.asked is None:
            return await ask()
        question = _numbered(self._name(call.name, call.arguments, n, messages), scope.asked)
        if scope.cache == "refresh":
            return await self._asked(self._cache, question, call, n, ask)
        found = await self._found(self._cache, question, call, n, ask)
        if found and found[0].cached:
            await deltas.send(found[0].message.text)
            return [_told(answer, deltas, first=index == 0) for index, answer in enumerate(found)]
        return found

    def count(self, name: ModelName, arguments: Mapping[str, Any], n: int, messages: Sequence[BaseMessage]) -> None:
        """A model was asked this before the run was done over: the next time is another question."""
        scope = current_scope()
        if self._cache is not None and scope.cache != "off" and scope.asked is not None:
            scope.asked[self._name(name, arguments, n, messages)] += 1

    def _name(self, name: ModelName, arguments: Mapping[str, Any], n: int, messages: Sequence[BaseMessage]) -> str:
        return question_name(self._settings, name, arguments, messages, n)

    async def _found(self, cache: StepCache, question: str, call: Call, n: int, ask: Ask) -> list[Answer]:
        being_asked, asked_by = self._being_asked.get(), (question, current_scope().priority)
        if (other := being_asked.get(asked_by)) is not None:
            if (answers := await asyncio.shield(other)) is not None:
                return [_again(answer) for answer in answers]
            return await self._asked(cache, question, call, n, ask)  # the other one failed: each asks for itself now
        mine = being_asked[asked_by] = asyncio.get_running_loop().create_future()
        answers = None
        try:
            given = await cache.find(question)
            if given is not None:
                answers = [_remembered(answer) for answer in given]
                return answers
            made = await self._asked(cache, question, call, n, ask)
            answers = made if _are_whole(made, n) else None
            return made
        finally:
            del being_asked[asked_by]
            mine.set_result(answers)

    async def _asked(self, cache: StepCache, question: str, call: Call, n: int, ask: Ask) -> list[Answer]:
        answers = await ask()
        if _are_whole(answers, n):
            given = [GivenAnswer(answer.message.text, str(answer.finish_reason)) for answer in answers]
            await cache.keep(question, str(call.name), given)
        return answers


def _numbered(question: str, asked: Counter[str]) -> str:
    """The name of a question when a run asks it for the first, second, ... time."""
    number = asked[question]
    asked[question] += 1
    return hashlib.sha256(f"{question}/{number}".encode()).hexdigest()


def _are_whole(answers: Sequence[Answer], n: int) -> bool:
    """Whether all came, each ended by the model itself or by `max_tokens`: what was refused or cut is not kept."""
    return len(answers) == n and all(
        answer.message.text.strip() and str(answer.finish_reason).lower() in _WHOLE for answer in answers
    )


def _remembered(given: GivenAnswer) -> Answer:
    message = AIMessage(content=given.text, response_metadata={"finish_reason": given.finish_reason})
    return Answer(message, _NOTHING, cached=True)


def _again(answer: Answer) -> Answer:
    """An answer as one who did not pay for it gets it."""
    return Answer(answer.message, _NOTHING, cached=True)


def _told(answer: Answer, deltas: Deltas, *, first: bool) -> Answer:
    return Answer(answer.message, answer.usage, streamed=first and deltas.wanted, cached=True)


_NOTHING = Usage(cost_usd=0.0)
"""No call, no tokens, and a price that is known: an answer from memory costs nothing."""
