from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.errors import ConfigurationError
from service.setting_groups.background import JobSettings
from service.settings import BadSettings, Settings, UnsafeSettings
from service.settings_table import DOCUMENT, all_settings, filled, unknown_variables
from service.storage.engine import BadDatabaseUrl

POSTGRES = "postgresql://u:hunter2@db/news"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("RIDDLEWIRE_", "OPENAI_")):
            monkeypatch.delenv(name)
    return monkeypatch


def test_without_any_variable_everything_is_local_and_in_one_folder(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.chdir(tmp_path)
    settings = Settings()

    assert settings.home == tmp_path / ".riddlewire"
    assert settings.database_url == f"sqlite:///{tmp_path}/.riddlewire/riddlewire.db"
    assert (settings.host, settings.port, settings.pipeline) == ("127.0.0.1", 8000, "embedded")
    assert settings.serves_loopback_only
    assert settings.needs_home_lock


@pytest.mark.parametrize("setting", list(all_settings()), ids=lambda setting: setting.variable)
def test_every_variable_of_the_table_is_read(environment: pytest.MonkeyPatch, setting: tuple[str, ...]) -> None:
    variable, values, *_ = setting
    environment.setenv(variable, "not usable")
    if values in ("text", "secret", "path"):
        environment.setenv(variable, "postgresql://h/given" if variable.endswith("DATABASE_URL") else "http://given/5")
        if variable in {"RIDDLEWIRE_LIMITS_RATE", "RIDDLEWIRE_LIMITS_GUESSES"}:
            environment.setenv(variable, "7/minute")
        assert repr(Settings().model_dump()) != repr(_defaults(environment, variable))
    else:
        group = variable.rpartition("_")[0] if values == "JSON" else variable  # the library names no more than that
        with pytest.raises(BadSettings, match=group.removesuffix("_API")):
            Settings()


def _defaults(environment: pytest.MonkeyPatch, variable: str) -> object:
    environment.delenv(variable)
    return Settings().model_dump()


def test_every_setting_says_what_it_does() -> None:
    assert [setting.variable for setting in all_settings() if len(setting.description) < 15] == []


def test_the_table_in_the_documentation_is_true() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    assert filled(document) == document, "run: python -m service.settings_table"


def test_settings_never_change() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # what the test is about
    with pytest.raises(ValidationError):
        settings.limits.in_flight = 1  # type: ignore[misc]  # what the test is about


def test_groups_are_read_from_flat_names(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RIDDLEWIRE_LIMITS_BODY_BYTES", "1024")
    environment.setenv("RIDDLEWIRE_ENGINE_BATCH_THREADS", "3")
    environment.setenv("RIDDLEWIRE_LIMITS_RATE", " 60 per minute ")

    settings = Settings()

    assert (settings.limits.body_bytes, settings.engine.batch_threads) == (1024, 3)
    assert settings.limits.rate == "60 per minute"


def test_an_empty_variable_is_the_same_as_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RIDDLEWIRE_PORT", "")
    environment.setenv("OPENAI_BASE_URL", "")

    assert Settings() == Settings(port=8000, openai_base_url=None)


def test_all_that_is_wrong_is_told_at_once_with_its_variable_and_without_its_value(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("RIDDLEWIRE_PORT", "99999")
    environment.setenv("RIDDLEWIRE_ENGINE_CONTEXT", "few")
    environment.setenv("RIDDLEWIRE_LIMITS_TYPO", "1")
    environment.setenv("OPENAI_BASE_URL", "ftp://hunter2")
    environment.setenv("RIDDLEWIRE_LIMITS_RATE", "often")

    with pytest.raises(BadSettings) as caught:
        Settings()
    assert {name for name, _ in caught.value.problems} == {
        "RIDDLEWIRE_PORT",
        "RIDDLEWIRE_ENGINE_CONTEXT",
        "RIDDLEWIRE_LIMITS_TYPO",
        "OPENAI_BASE_URL",
        "RIDDLEWIRE_LIMITS_RATE",
    }
    assert "hunter2" not in str(caught.value)


def test_a_port_that_kubernetes_set_is_explained(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RIDDLEWIRE_PORT", "tcp://10.0.0.1:8000")

    with pytest.raises(BadSettings, match="enableServiceLinks"):
        Settings()


def test_json_that_is_none_names_no_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RIDDLEWIRE_PROVIDERS", "{hunter2")

    with pytest.raises(BadSettings) as caught:
        Settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"processes": 2}, "RIDDLEWIRE_DATABASE_URL"),
        ({"processes": 2, "database_url": POSTGRES}, "RIDDLEWIRE_CHROMA_URL"),
        ({"processes": 2, "chroma_url": "http://chroma:8000"}, "RIDDLEWIRE_DATABASE_URL"),
    ],
)
def test_an_unsafe_mix_is_refused_with_the_setting_to_change(given: dict[str, object], change: str) -> None:
    with pytest.raises(UnsafeSettings, match=change) as caught:
        Settings(**given)
    assert isinstance(caught.value, ConfigurationError)


def test_a_process_on_sqlite_that_leaves_jobs_to_others_is_refused_for_there_are_none() -> None:
    with pytest.raises(UnsafeSettings, match="unset RIDDLEWIRE_JOBS_WORK"):
        Settings(jobs=JobSettings(work=False))
    assert not Settings(jobs=JobSettings(work=False), database_url=POSTGRES).jobs.work


def test_several_processes_on_postgresql_and_a_chroma_server_are_fine_and_share_the_folder() -> None:
    settings = Settings(processes=4, database_url=POSTGRES, chroma_url="http://chroma:8000/")

    assert not settings.needs_home_lock
    assert settings.chroma_url == "http://chroma:8000"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "news.example", "", "0", "127.0.0.1.nip.io"])
def test_serving_strangers_needs_a_key(host: str) -> None:
    settings = Settings(host=host)

    with pytest.raises(UnsafeSettings, match="keys create"):
        settings.check_exposure(keys_exist=False)
    settings.check_exposure(keys_exist=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_key(host: str) -> None:
    Settings(host=host).check_exposure(keys_exist=False)


def test_a_database_that_is_none_is_refused() -> None:
    with pytest.raises(BadDatabaseUrl, match="RIDDLEWIRE_DATABASE_URL"):
        Settings(database_url="mysql://a/b")


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENAI_API_KEY", "sk-hunter2")
    environment.setenv("RIDDLEWIRE_PROVIDERS_VLLM", '{"base_url": "http://gpu:8000/v1", "api_key": "sk-hunter2"}')

    settings = Settings(database_url=POSTGRES)

    assert "hunter2" not in repr(settings)
    assert "hunter2" in settings.database_url


def test_what_feeds_may_do_is_read_as_json_and_its_keys_are_not_shown(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv(
        "RIDDLEWIRE_FEEDS_API_KEYS", '{"newsapi": {"key": "sk-hunter2", "origin": "https://newsapi.org/"}}'
    )
    environment.setenv("RIDDLEWIRE_FEEDS_NETWORKS", '["10.1.0.0/16"]')
    environment.setenv("RIDDLEWIRE_FEEDS_FOLDERS", '["/srv/news"]')

    settings = Settings(home=tmp_path)

    assert settings.feeds.api_keys["newsapi"].key.get_secret_value() == "sk-hunter2"
    assert settings.feeds.api_keys["newsapi"].origin == "https://newsapi.org"
    assert "hunter2" not in repr(settings)
    assert (settings.feeds.networks, settings.feeds.folders) == ((ip_network("10.1.0.0/16"),), (Path("/srv/news"),))


def test_models_are_given_providers_keys_and_engine(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("OPENAI_API_KEY", "sk-1")
    environment.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1/")
    environment.setenv("RIDDLEWIRE_PROVIDERS_VLLM", '{"base_url": "http://gpu:8000/v1", "max_concurrency": 64}')
    environment.setenv("RIDDLEWIRE_PROVIDERS_OPENAI", '{"max_retries": 5}')

    given = Settings(home=tmp_path, engine={"threads": 2, "adapters": {"house": "/srv/a.gguf"}}).model_settings()

    openai, vllm = given.provider("openai"), given.provider("vllm")
    assert (openai.api_key, openai.base_url, openai.max_retries) == ("sk-1", "http://localhost:11434/v1", 5)
    assert (vllm.api_key, vllm.base_url, vllm.max_concurrency) == (None, "http://gpu:8000/v1", 64)
    assert (given.engine.threads, dict(given.engine.adapters)) == (2, {"house": Path("/srv/a.gguf")})


def test_a_misspelt_variable_is_noticed_and_the_meant_one_named() -> None:
    environment = {"RIDDLEWIRE_DATBASE_URL": "x", "RIDDLEWIRE_QQQQQQQQQ": "x", "RIDDLEWIRE_PORT": "1", "PATH": ""}

    assert unknown_variables(environment) == {
        "RIDDLEWIRE_DATBASE_URL": "RIDDLEWIRE_DATABASE_URL",
        "RIDDLEWIRE_QQQQQQQQQ": None,
    }
