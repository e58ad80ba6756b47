"""Everything an operator may set, read from the environment once, checked as a whole, and frozen.

Only this module of the whole program reads the environment. Names: `RIDDLEWIRE_` and the setting, with the group before
it where there is one (`RIDDLEWIRE_ENGINE_THREADS`). `docs/configuration.md` lists them all and is made from here.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from domain.errors import ConfigurationError
from service.setting_groups.background import FeedSettings, JobSettings, WebhookSettings
from service.setting_groups.callers import BudgetSettings, LimitSettings
from service.setting_groups.group import PositiveInt, check_http_url
from service.setting_groups.models import CacheSettings, EngineGroup, ProviderGroup
from service.setting_groups.telemetry import LogSettings, TracingSettings
from service.storage.engine import is_sqlite, parse_url

if TYPE_CHECKING:
    from chains.models import ModelSettings
    from chains.models.settings import ProviderSettings
    from service.webhooks.targets import TargetPolicy

PREFIX = "RIDDLEWIRE_"

SHARED_LIMITS = ("shared_concurrency", "requests_per_minute", "tokens_per_minute", "max_wait_s")
"""Fields of a provider that are kept in the database, by `service/limits/`, and not by the models themselves."""

_NOT_REACHABLE_FROM_OUTSIDE = ("localhost", "localhost.localdomain")


class BadSettings(ConfigurationError):
    """Settings that cannot be used; the message names each variable and what is wrong with it, never its value."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{name}: {reason}" for name, reason in problems))


class UnsafeSettings(ConfigurationError):
    """Settings that are fine alone and unsafe together."""

    def __init__(self, danger: str, change: str) -> None:
        super().__init__(f"{danger}: {change}")


class Settings(BaseSettings):
    """The whole configuration. Build one and pass it on; it never changes.

    Raises:
        BadSettings: A value cannot be used.
        UnsafeSettings: The values together would lose data or let strangers in.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
    )

    home: Path = Field(
        Path(".riddlewire"),
        description="The data folder: database, example index, your own `prompts/` and `pipelines/`. "
        "A backup is a copy of it.",
    )
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. Others than loopback are refused until an API key exists: "
        "`riddlewire keys create`.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port to listen on; 0 takes a free one.")
    processes: PositiveInt = Field(
        1, description="Serving processes. More than one needs PostgreSQL and a Chroma server."
    )
    pipeline: str = Field("embedded", min_length=1, description="The pipeline of requests that name none.")
    embeddings: str = Field(
        "embedded:wordllama",
        min_length=1,
        description="What turns text into vectors for retrieval: `embedded:wordllama`, `openai:NAME`, or any that "
        "LangChain's `init_embeddings` knows. Another one rebuilds the index.",
    )
    database_url: str = Field(
        default_factory=lambda values: _database_in(values.get("home", Path(".riddlewire"))),
        repr=False,  # it may hold a password
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; unset is `riddlewire.db` in the data "
        "folder.",
    )
    database_pool_size: PositiveInt = Field(
        10, description="Database connections each process keeps; as many again are opened under load."
    )
    chroma_url: str | None = Field(
        None, description="A Chroma server, such as `http://localhost:8001`; unset keeps the index in this process."
    )
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("OPENAI_API_KEY", "RIDDLEWIRE_OPENAI_API_KEY"),
        description="For models named `openai:...`.",
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("OPENAI_BASE_URL", "RIDDLEWIRE_OPENAI_BASE_URL"),
        description="An OpenAI-compatible endpoint instead of OpenAI's own, such as `http://localhost:11434/v1`.",
    )
    prices: Path | None = Field(
        None, description="A price table of your own (YAML, same form as the shipped one), laid over it."
    )
    limits: LimitSettings = Field(default_factory=LimitSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    budgets: BudgetSettings = Field(default_factory=BudgetSettings)
    cache: CacheSettings = Field(default_factory=CacheSettings)
    engine: EngineGroup = Field(default_factory=EngineGroup)
    feeds: FeedSettings = Field(default_factory=FeedSettings)
    providers: dict[str, ProviderGroup] = Field(default_factory=dict)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise BadSettings(_problems(error)) from None
        except SettingsError as error:
            raise BadSettings([_not_json(error)]) from None

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("chroma_url", "openai_base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        return check_http_url(value)

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, value: str) -> str:
        return parse_url(value).render_as_string(hide_password=False)

    @model_validator(mode="after")
    def _safe_together(self) -> Self:
        if self.processes > 1 and is_sqlite(self.database_url):
            raise UnsafeSettings(
                f"{self.processes} processes on one SQLite file",
                "set RIDDLEWIRE_DATABASE_URL to a PostgreSQL database, or RIDDLEWIRE_PROCESSES=1",
            )
        if not self.jobs.work and is_sqlite(self.database_url):
            raise UnsafeSettings(
                "a SQLite file has one process, and with RIDDLEWIRE_JOBS_WORK=false nobody would do its batches",
                "unset RIDDLEWIRE_JOBS_WORK, or set RIDDLEWIRE_DATABASE_URL to a PostgreSQL database and start "
                "'riddlewire work' on it",
            )
        if self.processes > 1 and self.chroma_url is None:
            raise UnsafeSettings(
                f"{self.processes} processes with an example index inside each",
                "set RIDDLEWIRE_CHROMA_URL to a Chroma server, or RIDDLEWIRE_PROCESSES=1",
            )
        return self

    @property
    def needs_home_lock(self) -> bool:
        """Whether the data folder belongs to one serving process: it holds the database or the index."""
        return is_sqlite(self.database_url) or self.chroma_url is None

    @property
    def serves_loopback_only(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host.lower() in _NOT_REACHABLE_FROM_OUTSIDE:
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def check_exposure(self, *, keys_exist: bool) -> None:
        """Refuse to serve strangers without keys; the serving process asks this before it binds.

        Args:
            keys_exist: Whether the database holds an API key that is not revoked.

        Raises:
            UnsafeSettings: Others could reach the service and no key would stop them.
        """
        if not keys_exist and not self.serves_loopback_only:
            raise UnsafeSettings(
                f"listening on {self.host} without any API key would let everybody in",
                "create one with 'riddlewire keys create NAME --role admin', or set RIDDLEWIRE_HOST=127.0.0.1",
            )

    def target_policy(self) -> TargetPolicy:
        """Where webhooks may be sent."""
        from service.webhooks.targets import TargetPolicy

        return TargetPolicy(allow_private=self.webhooks.allow_private)

    def model_settings(self) -> ModelSettings:
        """What `ChatModels` is given; `OPENAI_API_KEY`, `OPENAI_BASE_URL` fill in what provider openai lacks."""
        from chains.models.settings import EngineSettings, ModelSettings

        providers = {name: _provider(group) for name, group in self.providers.items()}
        openai = self.providers.get("openai", ProviderGroup())
        providers["openai"] = _provider(
            openai.model_copy(
                update={
                    "base_url": openai.base_url or self.openai_base_url,
                    "api_key": openai.api_key or self.openai_api_key,
                }
            )
        )
        return ModelSettings(
            providers=providers,
            engine=EngineSettings(**self.engine.model_dump()),
            prices=self.prices,
            grammars=self.home / "grammars",
        )


def _database_in(home: Path) -> str:
    return f"sqlite:///{home / 'riddlewire.db'}"


def _provider(group: ProviderGroup) -> ProviderSettings:
    from chains.models.settings import ProviderSettings

    values = group.model_dump(exclude={"api_key", *SHARED_LIMITS})
    return ProviderSettings(**values, api_key=group.api_key.get_secret_value() if group.api_key else None)


def _variable(location: tuple[int | str, ...]) -> str:
    name = "_".join(str(part) for part in location)
    return name if name.isupper() else (PREFIX + name).upper()


def _problems(error: ValidationError) -> list[tuple[str, str]]:
    told = (problem for problem in error.errors() if problem["type"] != "default_factory_not_called")
    return [(_variable(problem["loc"]), _reason(problem)) for problem in told]


def _not_json(error: SettingsError) -> tuple[str, str]:
    """The library names the field only, and would name the value in the error before this one."""
    field = re.search(r'field "(\w+)"', str(error))
    return f"{PREFIX}{field[1] if field else ''}".upper() + "...", "a value that must be JSON is not"


def _reason(problem: Any) -> str:
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "int_parsing" and str(problem["input"]).startswith("tcp://"):
        return f"{reason}. Kubernetes sets this variable for a service of this name: set enableServiceLinks: false"
    return reason
