"""Several answers of one call (`n`), put together from the pieces of a stream in which they are mixed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk, UsageMetadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.outputs import ChatGenerationChunk

FIRST = 0
"""The answer that is told while it is written."""


class Choices:
    """Sorts a stream's pieces by the answer they belong to.

    Args:
        convert: Makes LangChain's chunk of a piece with one choice or none.
    """

    def __init__(self, convert: Callable[[dict[str, Any]], ChatGenerationChunk | None]) -> None:
        self._convert = convert
        self._pieces: defaultdict[int, list[AIMessageChunk]] = defaultdict(list)
        self._reported: list[AIMessageChunk] = []

    def add(self, piece: dict[str, Any]) -> list[ChatGenerationChunk]:
        """Take a piece in; what it adds to the first answer is returned."""
        told: list[ChatGenerationChunk] = []
        for choice in piece.get("choices") or ():
            made = self._convert({**piece, "choices": [choice], "usage": None})
            if made is None or not isinstance(made.message, AIMessageChunk):
                continue
            made.message.response_metadata = {**(made.generation_info or {}), **made.message.response_metadata}
            index = choice.get("index") or FIRST
            self._pieces[index].append(made.message)
            if index == FIRST:
                told.append(made)
        if piece.get("usage"):
            made = self._convert({**piece, "choices": []})
            if made is not None and isinstance(made.message, AIMessageChunk):
                self._reported.append(made.message)
        return told

    def answers(self) -> list[AIMessageChunk]:
        """The answers by index; the first carries the usage of all, for their prompt was read once."""
        answers = [pieces[0] + pieces[1:] for _, pieces in sorted(self._pieces.items())]
        if answers and self._reported:
            last = self._reported[-1]
            answers[0].usage_metadata = self._usage()
            answers[0].response_metadata = {**answers[0].response_metadata, **last.response_metadata}
        return answers

    def _usage(self) -> UsageMetadata | None:
        """The one report of a service; llama.cpp makes one for each answer, and each counts the whole prompt."""
        reports = [message.usage_metadata for message in self._reported if message.usage_metadata is not None]
        if not reports:
            return None
        usage = reports[-1]
        if len(reports) != len(self._pieces):
            return usage
        written = sum(report["output_tokens"] for report in reports)
        return {**usage, "output_tokens": written, "total_tokens": usage["input_tokens"] + written}
