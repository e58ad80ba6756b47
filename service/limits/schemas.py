"""What comes out of /v1/spend."""

from datetime import date

from pydantic import Field

from service.schemas import Answer


class SpendOut(Answer):
    """What the calls of one key, pipeline and provider took on a day."""

    key_id: str | None
    key_name: str | None
    pipeline: str | None
    provider: str
    calls: int
    unpriced_calls: int = Field(description="Of models whose price nobody told us; they count as nothing in cost_usd.")
    input_tokens: int
    output_tokens: int
    cost_usd: float


class BudgetOut(Answer):
    """A daily budget, and what is spent of it."""

    budget: str = Field(description="`all`, `pipeline` or `key`.")
    name: str | None = Field(description="Of the pipeline, or the id of the key.")
    daily_usd: float
    spent_usd: float


class SpendPage(Answer):
    """Everything of a UTC day, the dearest first."""

    day: date
    total_usd: float
    budgets: list[BudgetOut]
    items: list[SpendOut]
    next_cursor: str | None
