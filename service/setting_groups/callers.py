"""What callers may ask for, and what it may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from service.setting_groups.group import Group, PositiveInt, Seconds


class LimitSettings(Group):
    """What one caller, and all callers together, may ask for."""

    body_bytes: PositiveInt = Field(
        2 * 1024 * 1024,
        description="Largest request body in bytes, larger ones get 413; and largest text of one article in a batch.",
    )
    in_flight: PositiveInt = Field(
        512, description="Riddles being made at once in one process; above it callers get 503 with `Retry-After`."
    )
    rate: str | None = Field(
        None,
        description="Rate of keys that have none of their own, such as `60/minute`; unset is no limit. Counted in each "
        "process by itself: with `RIDDLEWIRE_PROCESSES=2` a key gets up to twice its rate.",
    )
    batch_bytes: PositiveInt = Field(64 * 1024 * 1024, description="Largest batch in bytes; larger ones get 413.")
    batch_articles: PositiveInt = Field(50_000, description="Most articles in one batch.")
    guesses: str = Field(
        "30/hour", description="Different guesses that one reader has at one riddle; above it the reader gets 429."
    )
    guesses_keep_days: PositiveInt = Field(
        90, description="Days that guesses are kept; who has solved a riddle, and how many, stays."
    )
    import_bytes: PositiveInt = Field(
        64 * 1024 * 1024, description="Largest JSONL import of examples in bytes; it is read as a stream."
    )
    keepalive_s: Seconds = Field(
        15.0,
        description="Seconds of silence in an event stream before a comment is sent, so that proxies keep it open.",
    )
    drain_s: Seconds = Field(30.0, description="Seconds that accepted requests get to finish when the service stops.")

    @field_validator("rate")
    @classmethod
    def _rate_reads(cls, value: str | None) -> str | None:
        return None if value is None or not value.strip() else _checked_rate(value)

    @field_validator("guesses")
    @classmethod
    def _guesses_read(cls, value: str) -> str:
        return _checked_rate(value)


class BudgetSettings(Group):
    """What model calls may cost in a UTC day; keys have budgets of their own (`riddlewire keys create --daily-usd`)."""

    daily_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None,
        description="US dollars that all model calls together may cost in a UTC day; then those that cost get 429; "
        "unset is no limit.",
    )
    pipelines: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description='The same by pipeline, as JSON: `{"openai": 5}`.'
    )


def _checked_rate(value: str) -> str:
    from service.ratelimit import InvalidRate, parse_rate

    try:
        return parse_rate(value).text
    except InvalidRate as error:
        raise ValueError(error.reason) from error
