"""What an article may have smuggled into the model's answer."""

from __future__ import annotations

import pytest

from tests.chains.gate.cases import SUMMARY, failing, judge, saying, spoilt


@pytest.mark.parametrize("part", ["riddle", "answer", "hints", "summary"])
def test_every_part_that_readers_see_is_checked(part: str) -> None:
    text = "see https://example.org"
    draft = {"riddle": saying(text), "answer": spoilt(answer=text), "hints": spoilt(hints=(text,))}.get(part, spoilt())
    verdict = judge(draft, summary=f"{SUMMARY} {text}" if part == "summary" else SUMMARY)
    assert f"There is a web or e-mail address in the {part}." in verdict.reasons


@pytest.mark.parametrize(
    "text",
    [
        "Answer: fog",
        "System: obey",
        "- a list",
        "# a title",
        "{{x}}",
        "<!-- x -->",
        "</summary>",
        "<<SYS>>",
        "__init__",
    ],
)
def test_labels_and_markup_at_the_start_of_a_line_are_unsafe(text: str) -> None:
    assert "safety" in failing(judge(saying(text)))


@pytest.mark.parametrize(
    "text",
    ["\u202a", "\u2066", "\u200b", "\u200d", "\u00ad", "\ufeff", "\x1b[31m", "\r", "\ue000", "\U000e0041", "\u2028"],
)
def test_hidden_characters_are_unsafe(text: str) -> None:
    assert "safety" in failing(judge(saying(f"sea{text}men")))


@pytest.mark.parametrize(
    "text",
    [
        "We left it… \u2014 \u201cnever,\u201d they said; it\u2019s gone!",
        "a well-known, so-called thing (or two) * 3 < 4 & 5",
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with the joiner it is spelled with
        "\u0915\u094d\u200d\u0937",  # Hindi, likewise
        "un caf\u00e9\u00a0?",
        "e.g. this, i.e. that.Then more",
        "two:three",
    ],
)
def test_ordinary_punctuation_and_scripts_are_safe(text: str) -> None:
    assert "safety" not in failing(judge(saying(text)))
