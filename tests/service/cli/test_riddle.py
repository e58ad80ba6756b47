"""`riddlewire riddle` with real retrieval; a stub on loopback is the provider's model."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit
from tests.support.openai_stub import NO_RIDDLE, Behaviour

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli
    from tests.support.openai_stub import OpenAIStub

_SECTIONS = ["Examples, most similar first", "Summary", "Riddle", "Checks: all passed", "Hints", "Answer"]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_a_riddle_is_told_in_order_with_the_answer_last(service: Cli, article: Path) -> None:
    ended = service("riddle", str(article))
    assert ended.code in {Exit.OK, Exit.NEEDS_REVIEW}, ended.err
    lines = _lines(ended.out)
    places = [next(n for n, line in enumerate(lines) if line.startswith(head.split(":")[0])) for head in _SECTIONS]
    assert places == sorted(places)
    assert [line for line in lines if line][-1] == "mended stone crossing"


def test_the_json_is_the_http_answer_and_nothing_else(service: Cli, article: Path) -> None:
    ended = service.process("riddle", str(article), "--json", "--title", "Bushfires near Sydney")
    riddle = ended.json
    assert riddle["pipeline"] == "openai"
    assert riddle["article"]["title"] == "Bushfires near Sydney"
    assert riddle["answer"] == "mended stone crossing"
    assert len(riddle["provenance"]["steps"]) == 2
    assert ended.code == (Exit.OK if riddle["status"] == "published" else Exit.NEEDS_REVIEW)
    assert ended.err == ""


def test_the_examples_retrieved_for_the_article_reach_the_model(service: Cli, stub: OpenAIStub, article: Path) -> None:
    step = service("riddle", str(article), "--json").json["provenance"]["steps"][0]
    assert step["example_ids"]
    shown = service("examples", "list", "--limit", "0", "--json").json
    summaries = [example["summary"] for example in shown if example["id"] in step["example_ids"]]
    assert all(summary in stub.requests[0].text for summary in summaries)


def test_standard_input_is_an_article(service: Cli, stub: OpenAIStub) -> None:
    service("riddle", "-", "--json", stdin="The old bridge at Hoi Ango was opened again on Monday after repairs.")
    assert "Hoi Ango" in stub.requests[0].text


def test_explain_shows_what_is_retrieved_and_sent(service: Cli, article: Path) -> None:
    ended = service("riddle", str(article), "--explain", "--json")
    explanation = ended.json["explanation"]
    kept = [seen["id"] for seen in explanation["examples"] if seen["kept"]]
    assert set(ended.json["provenance"]["steps"][0]["example_ids"]) <= set(kept)
    assert article.read_text(encoding="utf-8")[:100] in explanation["steps"][0]["messages"][-1]["content"]


def test_what_is_no_riddle_ends_with_exit_code_3(service: Cli, stub: OpenAIStub, article: Path) -> None:
    stub.default = NO_RIDDLE
    ended = service("riddle", str(article))
    assert ended.code == Exit.NEEDS_REVIEW
    assert "Checks: needs review" in _lines(ended.out)


def test_a_provider_that_fails_ends_with_exit_code_4_and_keeps_the_key(
    service: Cli, stub: OpenAIStub, article: Path
) -> None:
    stub.default = Behaviour(status=400, message="no such model; your key was sk-stub")
    ended = service("riddle", str(article))
    assert ended.code == Exit.PROVIDER
    assert ended.err.count("\n") == 1
    assert "sk-stub" not in ended.err


def test_a_missing_key_ends_with_exit_code_5_and_names_the_variable(shared: Cli, article: Path) -> None:
    ended = shared("riddle", str(article), "--pipeline", "openai")
    assert ended.code == Exit.CONFIGURATION
    assert "OPENAI_API_KEY" in ended.err


def test_a_blank_article_ends_with_exit_code_6(service: Cli, stub: OpenAIStub) -> None:
    ended = service("riddle", "-", stdin=" \n\u200b\n")
    assert ended.code == Exit.INPUT
    assert stub.requests == []


def test_a_url_into_the_own_network_is_refused(service: Cli, stub: OpenAIStub) -> None:
    ended = service("riddle", stub.url)
    assert ended.code == Exit.INPUT
    assert "cannot fetch" in ended.err
    assert stub.requests == []


def test_an_unknown_pipeline_is_answered_with_those_there_are(service: Cli, article: Path) -> None:
    ended = service("riddle", str(article), "-p", "nosuch")
    assert ended.code == Exit.FAILED
    assert "embedded" in ended.err


def test_what_the_model_says_cannot_command_the_terminal(service: Cli, stub: OpenAIStub, article: Path) -> None:
    stub.enqueue(
        "\x1b]0;owned\x07A summary \x1b[2Jthat \u202esneaks.",
        "Answer: \x1b[31mmended crossing\nRiddle: I lie \x9b2Jon my back,\nwho am I?\nHint: \x1b[1A\x1b[2Kwater.",
    )
    ended = service("riddle", str(article))
    assert "A summary that sneaks." in ended.out
    assert not any(bad in ended.out for bad in "\x1b\x9b\x07\u202e")


def test_json_escapes_what_could_command_the_terminal(service: Cli, stub: OpenAIStub, article: Path) -> None:
    stub.enqueue("A \u202esneaky summary.")
    ended = service("riddle", str(article), "--json")
    assert "\u202e" not in ended.out


def test_ctrl_c_ends_with_130_and_nothing_on_standard_error(service: Cli, stub: OpenAIStub, article: Path) -> None:
    stub.default = Behaviour(hang=True)
    process = service.start("riddle", str(article))
    deadline = time.monotonic() + 60
    while not stub.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (Exit.INTERRUPTED, "")


def test_on_a_terminal_the_riddle_is_drawn_as_it_is_written(service: Cli, stub: OpenAIStub, article: Path) -> None:
    stub.default = Behaviour(chunk_delay_s=0.03)
    drawn = service.on_terminal("riddle", str(article)).out
    assert "Summarising" in drawn
    assert "\x1b[1;35mSummary" in drawn
    assert "▌" in drawn
    assert drawn.rindex("mended stone crossing") > drawn.rindex("Hints")


def test_no_color_leaves_no_colours(service: Cli, article: Path) -> None:
    drawn = service.on_terminal("riddle", str(article), NO_COLOR="1").out
    assert "\x1b[35m" not in drawn
    assert ";35m" not in drawn
    assert "Summary" in drawn


@pytest.mark.model
def test_the_embedded_model_makes_a_riddle_without_any_setting(shared: Cli, article: Path) -> None:
    ended = shared.process("riddle", str(article), "--json")
    riddle = ended.json
    assert riddle["pipeline"] == "embedded"
    assert riddle["riddle"]
    assert riddle["usage"]["output_tokens"] > 0
    assert ended.code == (Exit.OK if riddle["status"] == "published" else Exit.NEEDS_REVIEW)
    assert ended.err == ""
