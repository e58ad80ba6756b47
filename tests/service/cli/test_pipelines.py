from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli
    from tests.support.openai_stub import OpenAIStub

_SHIPPED = {"embedded", "zero-shot", "few-shot-base", "few-shot-instruct", "openai"}


def _copy_of_openai(home: Path, name: str) -> None:
    from prompts import Catalog

    text = Catalog().pipeline("openai").path.read_text(encoding="utf-8")
    folder = home / "pipelines"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(text.replace("name: openai\n", f"name: {name}\n"), encoding="utf-8")


def test_the_list_marks_the_default(service: Cli) -> None:
    listed = {line.split("\t")[1]: line.split("\t")[0] for line in service("pipelines", "list").out.splitlines()}
    assert set(listed) >= _SHIPPED
    assert {name for name, star in listed.items() if star == "*"} == {"openai"}


def test_a_pipeline_is_shown_with_its_steps(shared: Cli) -> None:
    shown = shared("pipelines", "show", "embedded").out
    assert "Step summarize" in shown
    assert "embedded:smollm2-135m-instruct" in shown
    assert shared("pipelines", "show", "embedded", "--json").json["name"] == "embedded"


def test_explaining_calls_no_model(service: Cli, stub: OpenAIStub, article: Path) -> None:
    explanation = service("pipelines", "explain", "openai", str(article), "--json").json
    assert any(seen["kept"] for seen in explanation["examples"])
    assert explanation["steps"][0]["tokens"] > 0
    assert stub.requests == []


def test_an_explanation_for_people_shows_scores_reasons_and_messages(service: Cli, article: Path) -> None:
    told = service("pipelines", "explain", "openai", str(article)).out
    assert "kept\t0." in told
    assert "Step summarize" in told
    assert article.read_text(encoding="utf-8")[:60] in told


def test_comparing_runs_each_pipeline_on_the_article(cli: Cli, stub: OpenAIStub, article: Path) -> None:
    _copy_of_openai(cli.home, "second")
    env = {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": stub.url}
    results = cli("pipelines", "compare", str(article), "openai", "second", "--json", **env).json["results"]
    assert [result["pipeline"] for result in results] == ["openai", "second"]
    assert all(result["riddle"]["answer"] == "mended stone crossing" for result in results)


def test_a_pipeline_that_fails_does_not_keep_the_others_from_running(cli: Cli, stub: OpenAIStub, article: Path) -> None:
    _copy_of_openai(cli.home, "second")
    stub.enqueue(Behaviour(status=400))
    env = {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": stub.url}
    ended = cli("pipelines", "compare", str(article), "openai", "second", **env)
    assert ended.code == Exit.PROVIDER
    first, second = ended.out.split("== second")
    assert "bad answer" in first
    assert "Answer: mended stone crossing" in second


@pytest.mark.parametrize("command", ["explain", "show"])
def test_an_unknown_pipeline_is_an_error(shared: Cli, article: Path, command: str) -> None:
    ended = shared("pipelines", command, "nosuch", *([str(article)] if command == "explain" else []))
    assert ended.code == Exit.FAILED
    assert "no pipeline 'nosuch'" in ended.err
