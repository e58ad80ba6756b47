from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic import command

from service.cli.exits import Exit
from service.storage.engine import open_engine
from service.storage.home import HomeLock
from service.storage.migrate import HEAD, alembic_config, current_revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.service.cli.running import Cli, Ended
    from tests.support.openai_stub import OpenAIStub


def _finding(ended: Ended, name: str) -> dict[str, Any]:
    findings: list[dict[str, Any]] = ended.json["findings"]
    return next(finding for finding in findings if finding["name"].startswith(name))


def test_a_fresh_data_folder_is_well_but_for_models(cli: Cli) -> None:
    ended = cli("doctor", "--no-models", "--json")
    assert ended.code == Exit.OK, ended.out
    assert ended.json["ok"] is True
    names = {finding["name"] for finding in ended.json["findings"]}
    assert {"python", "packages", "web pages", "data folder", "database", "API keys", "examples", "files"} <= names


def test_a_reachable_default_pipeline_is_ok(service: Cli) -> None:
    assert _finding(service("doctor", "--json"), "pipeline openai (default)")["verdict"] == "ok"


def test_an_endpoint_that_does_not_answer_fails_with_a_remedy(service: Cli) -> None:
    ended = service("doctor", "--json", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    finding = _finding(ended, "pipeline openai")
    assert ended.code == Exit.FAILED
    assert "does not answer" in finding["detail"]
    assert "OPENAI_BASE_URL" in finding["remedy"]


def test_a_missing_key_of_another_than_the_default_pipeline_is_only_a_note(shared: Cli, stub: OpenAIStub) -> None:
    env = {"RIDDLEWIRE_PROVIDERS_OPENAI": "{}"}
    finding = _finding(shared("doctor", "--json", **env), "pipeline openai")
    assert finding["verdict"] == "note"
    assert "OPENAI_API_KEY" in finding["detail"]
    assert stub.requests == []


def test_a_default_pipeline_that_does_not_exist_fails(service: Cli) -> None:
    ended = service("doctor", "--json", RIDDLEWIRE_PIPELINE="nosuch")
    assert ended.code == Exit.FAILED
    assert "embedded" in _finding(ended, "pipeline nosuch")["remedy"]


def test_a_broken_prompt_file_fails_with_its_place(cli: Cli) -> None:
    path = cli.home / "prompts" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("name: [", encoding="utf-8")
    ended = cli("doctor", "--no-models", "--json")
    assert ended.code == Exit.FAILED
    assert str(path) in _finding(ended, "files")["detail"]


def test_a_bad_setting_is_found_and_named(cli: Cli) -> None:
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_PORT="eighty")
    assert ended.code == Exit.FAILED
    assert "RIDDLEWIRE_PORT" in _finding(ended, "settings")["detail"]


def test_a_misspelt_setting_is_noted_with_the_one_that_is_meant(cli: Cli) -> None:
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_DATBASE_URL="x")
    finding = _finding(ended, "settings")
    assert (ended.code, finding["verdict"]) == (Exit.OK, "note")
    assert "RIDDLEWIRE_DATBASE_URL" in finding["detail"]
    assert "RIDDLEWIRE_DATABASE_URL" in finding["remedy"]


def test_a_budget_for_a_pipeline_that_is_not_there_fails_and_says_which_may_be_meant(cli: Cli) -> None:
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_BUDGETS_PIPELINES='{"open-ai": 1, "zero-shot": 2}')
    assert ended.code == Exit.FAILED
    assert _finding(ended, "budget of open-ai")["remedy"] == "name it 'openai'"
    assert "budget of zero-shot" not in ended.out


def test_a_data_folder_that_is_a_file_fails(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("", encoding="utf-8")
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_HOME=str(path))
    assert _finding(ended, "data folder")["verdict"] == "failed"


def test_an_unreachable_database_fails_without_showing_its_password(cli: Cli) -> None:
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_DATABASE_URL="postgresql://me:hush@127.0.0.1:9/none")
    assert _finding(ended, "database")["verdict"] == "failed"
    assert "hush" not in ended.out


def test_an_older_schema_is_told_and_left_as_it_is(cli: Cli, older: Engine) -> None:
    ended = cli("doctor", "--no-models", "--json")
    finding = _finding(ended, "database")
    assert finding["verdict"] == "note"
    assert f"schema 0001; this version has {HEAD}" in finding["detail"]
    assert "back up" in finding["remedy"]
    assert ended.code == Exit.OK
    assert current_revision(older) == "0001"


def test_commands_leave_the_older_schema_of_a_serving_process_alone_and_migrate_without_one(
    cli: Cli, older: Engine
) -> None:
    with HomeLock(cli.home):
        refused = cli("keys", "list")
        assert refused.code == Exit.CONFIGURATION, refused.err
        assert "already serves" in refused.err
        assert current_revision(older) == "0001"
    assert cli("keys", "list").code == Exit.OK
    assert current_revision(older) == HEAD


@pytest.fixture
def older(cli: Cli) -> Iterator[Engine]:
    """A database that the first version made."""
    cli.home.mkdir()
    engine = open_engine(f"sqlite:///{cli.home / 'riddlewire.db'}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    yield engine
    engine.dispose()


def test_serving_strangers_without_keys_fails(cli: Cli) -> None:
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_HOST="0.0.0.0")
    assert "keys create" in _finding(ended, "API keys")["remedy"]


@pytest.mark.model
def test_the_embedded_engine_starts(shared: Cli) -> None:
    ended = shared.process("doctor", "--json")
    assert _finding(ended, "pipeline embedded (default)")["verdict"] == "ok"
    assert ended.code == Exit.OK


def test_jobs_are_told(cli: Cli) -> None:
    finding = _finding(cli("doctor", "--no-models", "--json"), "jobs")
    assert (finding["verdict"], finding["detail"]) == ("ok", "0 wait, 0 begun")


def test_a_step_that_may_be_silent_for_longer_than_a_stuck_worker_is_told(cli: Cli) -> None:
    patient = cli("doctor", "--no-models", "--json")
    assert [one for one in patient.json["findings"] if one["name"].startswith("jobs of")] == []
    ended = cli("doctor", "--no-models", "--json", RIDDLEWIRE_JOBS_STUCK_AFTER_S="150")
    finding = _finding(ended, "jobs of pipeline openai")
    assert (ended.code, finding["verdict"]) == (Exit.OK, "note")
    assert "may take 180 s with its retries" in finding["detail"]
    assert "RIDDLEWIRE_JOBS_STUCK_AFTER_S above 180" in finding["remedy"]
