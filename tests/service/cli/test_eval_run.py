"""`riddlewire eval run` against a real service on loopback."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from evaluation.datasets import shipped_dataset
from prompts import Catalog
from service.cli.exits import Exit
from tests.service.cli.running import Cli
from tests.support.openai_stub import Behaviour

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.openai_stub import OpenAIStub

_CALLS_A_RUN = 2
"""The summary and the riddle."""


@pytest.fixture
def service(home_in_use: Path, stub: OpenAIStub) -> Cli:
    """The module's data folder, with the stub in the place of OpenAI."""
    return _over(home_in_use, stub)


@pytest.fixture
def fresh(tmp_path: Path, stub: OpenAIStub) -> Cli:
    """A data folder of its own."""
    return _over(tmp_path / "home", stub)


def _over(home: Path, stub: OpenAIStub) -> Cli:
    return Cli(home, {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": stub.url})


def _copy_of_openai(cli: Cli, name: str, old: str = "", new: str = "") -> None:
    text = Catalog().pipeline("openai").path.read_text(encoding="utf-8")
    folder = cli.home / "pipelines"
    folder.mkdir(parents=True, exist_ok=True)
    text = text.replace("name: openai\n", f"name: {name}\n").replace(old, new)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _outcomes(cli: Cli, name: str) -> list[dict[str, Any]]:
    path = cli.home / "experiments" / name / "outcomes.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def _keys(cli: Cli, name: str) -> list[tuple[str, str, int]]:
    return [(one["pipeline"], one["case_id"], one["repeat"]) for one in _outcomes(cli, name)]


def test_an_experiment_is_run_scored_and_shown(service: Cli, stub: OpenAIStub) -> None:
    ended = service("eval", "run", "--pipelines", "openai", "--limit", "4", "--repeats", "2", "--json")
    assert ended.code == Exit.OK, ended.err
    one, people = ended.json["pipelines"]
    assert (ended.json["cases"], one["outcomes"], people["pipeline"], people["outcomes"]) == (4, 8, "reference", 4)
    assert one["metrics"]["published"] == {
        "mean": 1.0, "low": 1.0, "high": 1.0, "p50": 1.0, "p95": 1.0, "scored": 8, "unscored": 0
    }  # fmt: skip
    assert one["metrics"]["cost_usd"]["mean"] > 0
    assert len(stub.requests) == 8 * _CALLS_A_RUN
    assert ended.err == ""


def test_the_same_command_goes_on_and_calls_nothing_twice(service: Cli, stub: OpenAIStub) -> None:
    command = ("eval", "run", "--pipelines", "openai", "--limit", "3")
    assert service(*command).code == Exit.OK
    asked = len(stub.requests)
    again = service(*command)
    assert again.code == Exit.OK
    assert len(stub.requests) == asked
    assert "3 of 3 runs" in again.out


def test_no_dev_example_is_ever_shown(fresh: Cli, stub: OpenAIStub) -> None:
    dev = shipped_dataset("dev")
    own = {"article": dev.cases[0].article.text, "headline": "Under another headline", "topic": "weather"}
    own |= {"summary": "OWN TWIN SUMMARY", "answer": "own twin", "riddle": "Own twin.\nWho am I?"}
    assert fresh("examples", "import", "-", stdin=json.dumps(own)).code == Exit.OK
    assert fresh("eval", "run", "--pipelines", "openai", "--limit", "12", "--name", "dev12").code == Exit.OK
    asked = {case.article.text for case in dev.limited(12).cases}
    shown = [request.text for request in stub.requests]
    assert len(shown) == 24
    assert sum("I carry" in text or "Hint:" in text for text in shown) > 0
    for case in dev.cases:
        assert case.summary is not None
        assert case.riddle is not None
        assert not any(case.summary in text or case.riddle in text for text in shown), case.id
        assert case.article.text in asked or not any(case.article.text in text for text in shown), case.id
    assert not any("OWN TWIN" in text for text in shown)
    selected = {example["id"] for one in _outcomes(fresh, "dev12") for example in one["selected"]}
    manifest = json.loads((fresh.home / "experiments" / "dev12" / "manifest.json").read_text(encoding="utf-8"))
    assert selected
    assert selected <= set(manifest["pool"]["example_ids"])
    assert (len(manifest["pool"]["example_ids"]), manifest["pool"]["excluded"]) == (411, 70)


def test_after_a_kill_nothing_that_was_finished_is_repeated(service: Cli, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.15)
    command = ("eval", "run", "--pipelines", "openai", "--limit", "10", "--name", "killed", "--concurrency", "2")
    with service.start(*command) as process:
        _wait_for(lambda: len(_outcomes(service, "killed")) >= 3)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    stub.default = Behaviour()
    finished, asked = _keys(service, "killed"), len(stub.requests)
    assert 3 <= len(finished) < 10
    in_flight = asked - len(finished) * _CALLS_A_RUN
    assert 0 <= in_flight <= 2 * _CALLS_A_RUN

    assert service(*command).code == Exit.OK
    everything = _keys(service, "killed")
    assert len(everything) == len(set(everything)) == 10
    assert everything[: len(finished)] == finished
    assert len(stub.requests) - asked == (10 - len(finished)) * _CALLS_A_RUN


def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(service: Cli, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.3)
    with service.start("eval", "run", "--pipelines", "openai", "--limit", "8", "--name", "stopped") as process:
        _wait_for(lambda: len(_outcomes(service, "stopped")) >= 1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert told == "Stopped; what was finished is kept. Go on with: riddlewire eval run --resume stopped\n"
    stub.default = Behaviour()
    assert service("eval", "run", "--resume", "stopped").code == Exit.OK
    assert len(_outcomes(service, "stopped")) == 8


def test_two_processes_do_not_run_one_experiment(service: Cli, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.5)
    command = ("eval", "run", "--pipelines", "openai", "--limit", "6", "--name", "locked", "--concurrency", "1")
    with service.start(*command) as process:
        _wait_for(lambda: len(_outcomes(service, "locked")) >= 1)
        other = service(*command)
        process.kill()
    assert other.code == Exit.CONFIGURATION
    assert "another process runs experiment 'locked'" in other.err


def test_a_pipeline_that_changed_is_refused(service: Cli, stub: OpenAIStub) -> None:
    _copy_of_openai(service, "own")
    command = ("eval", "run", "--pipelines", "own", "--limit", "2", "--name", "changed")
    assert service(*command).code == Exit.OK
    _copy_of_openai(service, "own", "k: 4", "k: 2")
    asked = len(stub.requests)
    for again in (command, ("eval", "run", "--resume", "changed")):
        ended = service(*again)
        assert ended.code == Exit.CONFIGURATION
        assert "since it began pipeline 'own' changed: start another one with --name" in ended.err
    assert len(stub.requests) == asked


def test_a_dataset_that_changed_is_refused_and_its_cases_can_still_be_finished(
    service: Cli, stub: OpenAIStub, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text("title,article\nFog,Fog fell on the harbour all day.\n", encoding="utf-8")
    command = ("eval", "run", "--pipelines", "openai", "--dataset", str(cases), "--name", "csv")
    assert service(*command).code == Exit.OK
    cases.write_text("title,article\nFog,Fog fell on the harbour all night.\n", encoding="utf-8")
    assert "the dataset changed" in service(*command).err
    assert service("eval", "run", "--resume", "csv").code == Exit.OK
    assert len(stub.requests) == _CALLS_A_RUN


def test_what_is_wrong_is_told_before_the_first_paid_call(fresh: Cli, stub: OpenAIStub) -> None:
    _copy_of_openai(fresh, "nokey", "openai:gpt-5.4-mini", "mistral:small")
    ended = fresh("eval", "run", "--pipelines", "openai,nokey", "--limit", "2", "--name", "early")
    assert ended.code == Exit.CONFIGURATION
    _copy_of_openai(fresh, "unpriced", "openai:gpt-5.4-mini", "openai:potato")
    ended = fresh("eval", "run", "--pipelines", "unpriced", "--limit", "2", "--max-cost", "1")
    assert ended.code == Exit.CONFIGURATION
    assert "nobody told the price of openai:potato" in ended.err
    assert stub.requests == []
    assert fresh("eval", "list", "--json").json == []


def test_a_budget_stops_the_experiment(service: Cli, stub: OpenAIStub) -> None:
    command = ("eval", "run", "--pipelines", "openai", "--limit", "6", "--name", "dear", "--concurrency", "1")
    ended = service(*command, "--max-cost", "0.001")
    made = len(_outcomes(service, "dear"))
    assert ended.code == Exit.FAILED
    assert 1 <= made < 6
    assert f"with {6 - made} runs left; go on with: riddlewire eval run --resume dear --max-cost MORE" in ended.err
    assert service("eval", "run", "--resume", "dear", "--max-cost", "1").code == Exit.OK
    assert len(stub.requests) == 6 * _CALLS_A_RUN


def test_failures_of_the_provider_are_outcomes_and_can_be_retried(service: Cli, stub: OpenAIStub) -> None:
    stub.enqueue(Behaviour(status=400))
    command = ("eval", "run", "--pipelines", "openai", "--limit", "3", "--name", "flaky", "--json")
    ended = service(*command)
    assert ended.code == Exit.OK
    assert ended.json["pipelines"][0]["failed"] == 1
    assert service(*command).json["pipelines"][0]["failed"] == 1
    assert service(*command, "--retry-failed").json["pipelines"][0]["failed"] == 0


def test_solver_and_judge_can_be_asked_afterwards(service: Cli, stub: OpenAIStub) -> None:
    assert service("eval", "run", "--pipelines", "openai", "--limit", "2", "--name", "judged").code == Exit.OK
    asked = len(stub.requests)
    stub.reply = lambda request: "yes" if "follow from the article" in request.text else "1"
    command = ("eval", "run", "--resume", "judged", "--solver", "openai:gpt-5.4-mini", "--json")
    solved = service(*command).json["pipelines"]
    assert len(stub.requests) - asked == 4
    assert [one["metrics"]["model_solver_accuracy"]["scored"] for one in solved] == [2, 2]
    service(*command)
    assert len(stub.requests) - asked == 4


def test_stored_articles_are_a_dataset(service: Cli, article: Path) -> None:
    assert service("riddle", str(article), "--pipeline", "openai").code in (Exit.OK, Exit.NEEDS_REVIEW)
    ended = service("eval", "run", "--pipelines", "openai", "--dataset", "stored:5", "--json")
    assert (ended.json["cases"], [one["pipeline"] for one in ended.json["pipelines"]]) == (1, ["openai"])


def test_a_terminal_shows_progress_with_cost(service: Cli, stub: OpenAIStub) -> None:
    stub.default = Behaviour(delay_s=0.1)
    ended = service.on_terminal("eval", "run", "--pipelines", "openai", "--limit", "3", "--name", "seen")
    assert ended.code == Exit.OK
    assert "3/3" in ended.out
    assert "$0.00" in ended.out
    assert "left" in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ([], Exit.USAGE, "name at least one"),
        (["--pipelines", " , "], Exit.USAGE, "name at least one"),
        (["--pipelines", "openai", "--repeats", "0"], Exit.USAGE, "--repeats"),
        (["--pipelines", "nosuch"], Exit.FAILED, "no pipeline 'nosuch'"),
        (["--pipelines", "reference"], Exit.INPUT, "stands for the human riddles"),
        (["--pipelines", "openai", "--dataset", "nosuch.csv"], Exit.INPUT, "nosuch.csv cannot be read"),
        (["--pipelines", "openai", "--dataset", "stored"], Exit.INPUT, "has not stored any article yet"),
        (["--pipelines", "openai", "--name", "../up"], Exit.CONFIGURATION, "an experiment cannot be called '../up'"),
        (["--resume", "nosuch"], Exit.FAILED, "no experiment 'nosuch'"),
    ],
)
def test_wrong_orders_are_told(fresh: Cli, arguments: list[str], code: Exit, complaint: str) -> None:
    ended = fresh("eval", "run", *arguments)
    assert ended.code == code
    assert complaint in ended.err
    assert ended.out == ""


def _wait_for(condition: Any, patience_s: float = 120.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
