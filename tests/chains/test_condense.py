"""Long articles are condensed by sections: within bounds, in order, and never in silence."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.condense import Condensed, Condenser
from chains.sections import clip, split_sections
from domain.errors import ProviderTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable


def by_words(text: str) -> int:
    return len(text.split())


def by_letters(text: str) -> int:
    return math.ceil(len(text) / 3)


def by_bytes(text: str) -> int:
    return len(text.encode())


counters = st.sampled_from([by_words, by_letters, by_bytes])
texts = st.text(alphabet=st.sampled_from("ab .!?\n\n\u3002é雾😀"), max_size=400) | st.builds(
    "\n\n".join, st.lists(st.text(alphabet="abc .", max_size=80), max_size=20)
)


@given(texts, counters, st.integers(8, 60))
def test_no_section_is_longer_than_the_limit(text: str, count: Callable[[str], int], limit: int) -> None:
    assert all(count(section) <= limit for section in split_sections(text, count, limit))


@given(texts, counters, st.integers(8, 60))
def test_sections_hold_all_of_the_text_in_order(text: str, count: Callable[[str], int], limit: int) -> None:
    assert "".join("".join(split_sections(text, count, limit)).split()) == "".join(text.split())


@given(texts, counters, st.integers(8, 60))
def test_clipping_keeps_a_beginning_that_fits(text: str, count: Callable[[str], int], limit: int) -> None:
    short = clip(text, count, limit)
    assert text.strip().startswith(short)
    assert count(short) <= limit


def test_sections_end_where_paragraphs_and_sentences_do() -> None:
    text = "One two three. Four five six.\n\nSeven eight nine.\n\nTen eleven twelve thirteen. Fourteen fifteen."
    assert split_sections(text, by_words, 9)[0] == "One two three. Four five six."
    assert split_sections(text, by_words, 12)[0] == "One two three. Four five six.\n\nSeven eight nine."


async def first_words(section: str) -> str:
    return " ".join(section.split()[:5])


def condenser(target: int = 20, section: int = 40, most: int = 8, concurrency: int = 4) -> Condenser:
    return Condenser(
        summarize=first_words,
        count=by_words,
        section_tokens=section,
        target_tokens=target,
        concurrency=concurrency,
        max_sections=most,
    )


def article(paragraphs: int) -> str:
    return "\n\n".join(f"P{number} " + "word " * 30 for number in range(paragraphs))


async def test_every_section_is_summarised_and_its_place_kept() -> None:
    condensed = await condenser(target=100).condense(article(4))
    assert [part.split()[0] for part in condensed.text.split("\n\n")] == ["P0", "P1", "P2", "P3"]
    assert (condensed.sections, condensed.calls) == (4, 4)
    assert condensed.check.name == "condensed"
    assert condensed.check.passed
    assert condensed.check.detail == (
        "The article is longer than the model reads; it was condensed from 4 sections in 4 model calls."
    )


async def test_summaries_that_are_still_too_long_are_summarised_again() -> None:
    condensed = await condenser(target=6).condense(article(8))
    assert condensed.calls > condensed.sections == 8
    assert by_words(condensed.text) <= 6


async def test_what_is_not_read_is_said() -> None:
    condensed = await condenser(most=4, target=100).condense(article(10))
    assert [part.split()[0] for part in condensed.text.split("\n\n")] == ["P0", "P1", "P2", "P9"]
    assert "characters in its middle were not read." in condensed.check.detail


async def test_summaries_that_are_as_long_as_their_sections_are_cut_and_that_is_said() -> None:
    calls = 0

    async def parrot(section: str) -> str:
        nonlocal calls
        calls += 1
        return section

    condensed = await Condenser(summarize=parrot, count=by_words, section_tokens=40, target_tokens=10).condense(
        article(40)
    )
    assert by_words(condensed.text) <= 10
    assert calls == condensed.calls <= 70
    assert "too long and cut." in condensed.check.detail


async def test_sections_without_a_summary_are_said() -> None:
    async def silent(section: str) -> str:
        return "" if "P1" in section else await first_words(section)

    condensed = await Condenser(summarize=silent, count=by_words, section_tokens=40, target_tokens=100).condense(
        article(3)
    )
    assert "1 section got no summary." in condensed.check.detail


async def test_the_beginning_stays_when_no_section_gets_a_summary() -> None:
    async def silent(_: str) -> str:
        return " "

    condensed = await Condenser(summarize=silent, count=by_words, section_tokens=40, target_tokens=5).condense(
        article(3)
    )
    assert condensed.text.startswith("P0 word word word")


async def test_no_more_calls_run_at_once_than_allowed() -> None:
    running = most = 0

    async def watched(section: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return await first_words(section)

    await Condenser(summarize=watched, count=by_words, section_tokens=40, target_tokens=100, concurrency=3).condense(
        article(20)
    )
    assert most == 3


async def test_a_failing_call_cancels_the_others_and_is_raised_as_it_is() -> None:
    cancelled = []

    async def failing(section: str) -> str:
        if "P0" in section:
            await asyncio.sleep(0)
            raise ProviderTimedOut("stub", "no answer in 1 s")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(section)
            raise
        return section

    with pytest.raises(ProviderTimedOut):
        await Condenser(summarize=failing, count=by_words, section_tokens=40, target_tokens=100).condense(article(4))
    assert len(cancelled) == 3


@given(texts.filter(str.strip), counters, st.integers(16, 60), st.integers(1, 40))
def test_the_result_always_fits_and_the_work_is_bounded(
    text: str, count: Callable[[str], int], section: int, target: int
) -> None:
    async def first_half(text: str) -> str:
        return text[: len(text) // 2 + 1]

    condensed: Condensed = asyncio.run(
        Condenser(
            summarize=first_half, count=count, section_tokens=section, target_tokens=target, max_sections=8
        ).condense(text)
    )
    assert count(condensed.text) <= target or len(condensed.text) == 1
    assert condensed.sections <= 8
    assert condensed.calls <= 3 * condensed.sections + 3


@pytest.mark.parametrize("unit", ["a", "a ", "雾", "A word. ", "\n\na"])
async def test_ten_megabytes_of_anything_are_condensed_with_few_calls(unit: str) -> None:
    begun = time.process_time()
    condensed = await condenser(section=1000, target=500, most=32).condense(unit * (10_000_000 // len(unit)))
    assert condensed.calls <= 70
    assert "were not read" in condensed.check.detail
    assert time.process_time() - begun < 5


def test_limits_that_could_never_end_are_refused() -> None:
    with pytest.raises(ValueError, match="16 tokens or more"):
        condenser(section=4)
