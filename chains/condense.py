"""Shortens an article that is longer than its model reads: sections are summarised, then the summaries again.

Map, then reduce, with an upper bound for the work. An article of more than `max_sections` sections is read at its
beginning (three quarters) and its end (one quarter), since news tells first what matters most. Every summary is cut to
half a section, so the rounds end. Whatever was left out or cut is said in the `condensed` check:
nothing is shortened in silence.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chains.sections import LEAST_LIMIT, clip, split_sections
from domain import Check

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

MAX_SECTIONS: Final = 32
"""Sections of one article that are read; with the rounds after it, some 64 model calls at most."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """An article made short.

    Args:
        text: What the next step reads instead of the article.
        check: `condensed`, passed, with a sentence about what was done and what was left out.
        sections: Into how many sections the article was divided, those left out not counted.
        calls: How often a section was summarised.
    """

    text: str
    check: Check
    sections: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Condenser:
    """Condenses by sections; the same text and the same summaries give the same result.

    Args:
        summarize: Summarises one section; it may be called for several at once.
        count: Tokens of a text.
        section_tokens: Most tokens of a section, 16 or more.
        target_tokens: Most tokens of the result.
        concurrency: Most calls of `summarize` at once.
        max_sections: Most sections that are read.
    """

    summarize: Callable[[str], Awaitable[str]]
    count: Callable[[str], int]
    section_tokens: int
    target_tokens: int
    concurrency: int = 4
    max_sections: int = MAX_SECTIONS

    def __post_init__(self) -> None:
        if self.section_tokens < 2 * LEAST_LIMIT or self.target_tokens < 1 or self.max_sections < 1:
            message = (
                f"a section needs {2 * LEAST_LIMIT} tokens or more, the result and the number of sections 1 or more"
            )
            raise ValueError(message)

    async def condense(self, text: str) -> Condensed:
        """Condense a text to `target_tokens`.

        Raises:
            Exception: What `summarize` raised first; calls still running are cancelled.
        """
        notes = _Notes()
        sections = self._read(text, notes)
        first, calls = len(sections), 0
        while True:
            calls += len(sections)
            summaries = await self._summarize_all(sections, notes)
            text = "\n\n".join(summaries) or sections[0]
            shorter = split_sections(text, self.count, self.section_tokens)
            if self.count(text) <= self.target_tokens or len(shorter) >= len(sections):
                break
            sections = shorter
        short = self._clip(text, self.target_tokens, notes)
        return Condensed(short, Check(name="condensed", passed=True, detail=notes.tell(first, calls)), first, calls)

    def _read(self, text: str, notes: _Notes) -> list[str]:
        """The sections of a text, those in the middle left out when there are too many."""
        most = self.max_sections * self.section_tokens * _CHARS_PER_TOKEN
        if len(text) > most:
            notes.unread_chars = len(text) - most
            head, tail = _shares(most)
            parts = [text[:head], text[len(text) - tail :]]
        else:
            parts = [text]
        sections = [section for part in parts for section in split_sections(part, self.count, self.section_tokens)]
        if len(sections) > self.max_sections:
            head, tail = _shares(self.max_sections)
            notes.unread_chars += sum(map(len, sections[head : len(sections) - tail]))
            sections = sections[:head] + sections[len(sections) - tail :]
        return sections

    async def _summarize_all(self, sections: Sequence[str], notes: _Notes) -> list[str]:
        """Summaries of all sections, in order; blank ones are left out."""
        slots = asyncio.Semaphore(self.concurrency)

        async def one(section: str) -> str:
            async with slots:
                return (await self.summarize(section)).strip()

        summaries = await _gather([one(section) for section in sections])
        notes.blank += summaries.count("")
        return [self._clip(summary, self.section_tokens // 2, notes) for summary in summaries if summary]

    def _clip(self, text: str, limit: int, notes: _Notes) -> str:
        if self.count(text) <= limit:
            return text
        notes.clipped += 1
        return clip(text, self.count, limit)


@dataclass(slots=True)
class _Notes:
    """What was left out on the way."""

    unread_chars: int = 0
    clipped: int = 0
    blank: int = 0

    def tell(self, sections: int, calls: int) -> str:
        work = f"{_some(sections, 'section')} in {_some(calls, 'model call')}"
        told = [f"The article is longer than the model reads; it was condensed from {work}."]
        if self.unread_chars:
            told.append(f"{self.unread_chars:,} characters in its middle were not read.")
        if self.clipped:
            told.append(f"{_some(self.clipped, 'summary was', 'summaries were')} too long and cut.")
        if self.blank:
            told.append(f"{_some(self.blank, 'section')} got no summary.")
        return " ".join(told)


async def _gather(coroutines: Sequence[Awaitable[str]]) -> list[str]:
    """All results in order; the first failure cancels the rest and is raised as it is."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _shares(whole: int) -> tuple[int, int]:
    """Three quarters for the beginning, what remains for the end."""
    head = max(whole * 3 // 4, 1)
    return head, whole - head


def _some(number: int, one: str, many: str = "") -> str:
    noun = one if number == 1 else many or f"{one}s"
    return f"{number} {noun}"


_CHARS_PER_TOKEN: Final = 6
"""Generous: English has four to five, so a text within the limit is not cut by this rule but by the sections'."""
