"""The page: one file that works offline, asks nobody for anything and believes no text."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from domain.errors import MissingExtra
from evaluation.report import write_report
from evaluation.report.page import page
from evaluation.report.replay import replay_command
from tests.evaluation.report.made import case, four_ways, outcome, pipeline, results

if TYPE_CHECKING:
    from pathlib import Path

    from evaluation.results import Results

EVIL = '<script>alert(1)</script><img src="https://evil.example/x" onerror=alert(2)>"\'>&amp;{{ 7 * 7 }}\u202egnp.exe'
LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping", "code", "archive", "cite"}


class Elements(HTMLParser):
    """All elements with their attributes, the style sheets and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.styles = ""
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles += data
        else:
            self.text += f"{data} "

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of that name."""
        return [attributes for name, attributes in self.found if name == tag]


def told(html: str) -> str:
    """All that can be read, on one line."""
    return re.sub(r" (?=[,.:;)])", "", " ".join(Elements(html).text.split()))


def hostile() -> Results:
    """Two pipelines where every text that comes from outside tries to be more than text."""
    cases = [
        case(number, title=EVIL, text=EVIL, url="https://evil.example/" + EVIL, summary=EVIL) for number in range(12)
    ]
    values = {
        "solver_accuracy": [float(number % 2) for number in range(12)],
        "latency_ms": [10.0 + n for n in range(12)],
    }
    outcomes = [
        outcome(one, EVIL, published=bool(number % 2), riddle=EVIL, answer=EVIL, summary=EVIL, hint=EVIL, detail=EVIL)
        for number, one in enumerate(cases)
    ]
    failing = [outcome(one, "failing", error=EVIL) for one in cases]
    return results(cases, pipeline(EVIL, outcomes, values), pipeline("failing", failing))


@pytest.fixture(scope="module")
def good() -> str:
    return page(four_ways())


@pytest.fixture(scope="module")
def evil() -> str:
    return page(hostile())


def test_every_element_that_is_opened_is_closed(good: str, evil: str) -> None:
    for html in (good, evil):
        assert Elements(html).open == []


def test_texts_stay_texts(evil: str) -> None:
    seen = Elements(evil)
    assert {"script", "img", "iframe", "link", "object", "embed", "form", "base"}.isdisjoint(
        tag for tag, _ in seen.found
    )
    assert not [name for _, attributes in seen.found for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in seen.text
    assert "{{ 7 * 7 }}" in seen.text


def test_no_character_that_turns_the_writing_round_is_left(evil: str) -> None:
    assert "\u202e" not in evil
    assert "[U+202E]" in evil


def test_nothing_is_loaded_from_anywhere(good: str, evil: str) -> None:
    for html in (good, evil):
        seen = Elements(html)
        assert not [name for _, attributes in seen.found for name in attributes if name in LOADING]
        links = [value for _, attributes in seen.found for name, value in attributes.items() if name.endswith("href")]
        assert links
        assert [link for link in links if not link.startswith("#")] == []
        styled = seen.styles + "".join(attributes.get("style", "") for _, attributes in seen.found)
        assert "@import" not in styled
        assert [target for target in re.findall(r"url\(([^)]*)\)", styled) if not target.startswith("#")] == []


def test_the_browser_is_told_to_load_and_run_nothing(good: str) -> None:
    (policy,) = [meta["content"] for meta in Elements(good).of("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_links_and_references_lead_somewhere_and_ids_stand_once(good: str) -> None:
    seen = Elements(good)
    ids = [attributes["id"] for _, attributes in seen.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"].removeprefix("#") for _, attributes in seen.found if "href" in attributes}
    clips = set(re.findall(r'"url\(#([^)]*)\)"', good))
    labels = {attributes["aria-labelledby"] for _, attributes in seen.found if "aria-labelledby" in attributes}
    assert clips
    assert links | clips | labels <= set(ids)


def test_light_and_dark_know_the_same_colours_and_plots_use_them(good: str) -> None:
    seen = Elements(good)
    light, dark = (
        set(re.findall(r"(--[\w-]+):", block)) for block in re.findall(r":root \{(.*?)\}", seen.styles, re.DOTALL)[:2]
    )
    assert light == dark
    assert "prefers-color-scheme: dark" in seen.styles
    used = set(re.findall(r"var\((--[\w-]+)", good)) - {"--dot"}
    assert used <= light
    assert {"--series-1", "--series-2", "--series-3", "--ink", "--muted", "--line"} <= used
    in_plots = [attributes.get("style", "") for _, attributes in seen.found]
    assert [style for style in in_plots if re.search(r"#[0-9a-f]{6}|rgb\(|black", style)] == []


def test_every_plot_says_what_it_shows(good: str) -> None:
    labels = [svg["aria-label"] for svg in Elements(good).of("svg")]
    assert "Solver accuracy against median latency. On the frontier (filled): quick with 50.0% at 500 ms; " in labels[0]
    assert "good with 100.0% at 2.00 s." in labels[0]
    assert "bad" not in labels[0]
    assert all(labels)


def test_tables_have_captions_and_their_heads_a_scope(good: str) -> None:
    seen = Elements(good)
    assert len(seen.of("table")) == len(seen.of("caption"))
    assert {head.get("scope") for head in seen.of("th")} == {"col", "row"}


def test_headings_leave_no_level_out(good: str) -> None:
    levels = [int(tag[1]) for tag, _ in Elements(good).found if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_page_says_why_runs_failed_and_riddles_were_kept_back(good: str) -> None:
    text = told(good)
    assert "bad: 1 of 20 runs need review, 1 failed" in text
    assert "leakage, 1 time It leaks." in text
    assert "The provider was down. 1 time" in text


def test_an_unknown_cost_is_unknown(good: str) -> None:
    text = told(good)
    assert "Median cost of a riddle: good $0.010. The cost of quick, bad is unknown, which is not free" in text
    nobody = told(page(hostile()))
    assert "The cost of every pipeline is unknown" in nobody


def test_the_page_tells_how_to_run_it_again(good: str) -> None:
    text = told(good)
    assert (
        "riddlewire eval run --pipelines good,quick,bad --dataset dev --repeats 1 --seed 42 --limit 20 "
        "--concurrency 2 --name four-ways-again"
    ) in text
    assert "langchain 1.5.0" in text
    assert "riddle@1" in text


def test_the_command_is_safe_to_paste() -> None:
    made = four_ways().manifest
    dataset = replace(made.dataset, name="my cases; rm -r *.jsonl")
    command = replay_command(replace(made, dataset=dataset, judge="openai:a b"))
    assert shlex.split(command)[5:7] == ["--dataset", "my cases; rm -r *.jsonl"]
    assert shlex.split(command)[-6:-4] == ["--judge", "openai:a b"]


def test_each_metric_says_what_it_cannot_see(good: str) -> None:
    text = told(good)
    assert "About solver_mrr. Cannot see: Beside solver_mrr." in text


def test_an_experiment_that_has_only_begun_has_a_report() -> None:
    cases = [case(1)]
    html = page(results(cases, pipeline("one", []), pipeline("other", [outcome(cases[0], "other")])))
    text = told(html)
    assert "Nothing can be said yet" in text
    assert "No latency was scored." in text


def test_the_same_results_give_the_same_file(tmp_path: Path) -> None:
    first, second = (write_report(four_ways(), tmp_path / name) for name in ("a", "b"))
    assert first.html.read_bytes() == second.html.read_bytes()
    assert first.markdown.read_text("utf-8").endswith("\n[The whole report](report.html)\n")


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_extra_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'riddlewire[eval]'")):
        page(four_ways())
