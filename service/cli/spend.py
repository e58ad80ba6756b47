"""`riddlewire spend`: who spent what on a day."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import settings_of
from service.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping


def spend(
    ctx: typer.Context,
    day: Annotated[str | None, typer.Option(help="UTC day, as YYYY-MM-DD; today unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what model calls cost on a UTC day, by API key, pipeline and provider, and what is left of budgets.

    Calls whose price nobody told us are counted and cost nothing here: see RIDDLEWIRE_PRICES.

    Examples:
    - `riddlewire spend`
    - `riddlewire spend --day 2026-11-30 --json`
    """
    found = _found(ctx, _checked(day))
    if as_json:
        print_json(found)
        return
    if not found["items"]:
        note(f"No model call was paid for on {found['day']}.")
    print_table(
        ("key", "pipeline", "provider", "calls", "tokens read", "written", "USD"),
        (_row(item) for item in found["items"]),
    )
    for budget in found["budgets"]:
        note(_budget(budget))
    if unpriced := sum(item["unpriced_calls"] for item in found["items"]):
        note(f"{unpriced} calls of unknown price count as nothing: see RIDDLEWIRE_PRICES.")


def _found(ctx: typer.Context, day: str | None) -> "Mapping[str, Any]":
    from service.cli.database import opened_engine
    from service.limits.service import spend_of_day, today
    from service.storage.spend import SpendStore

    settings = settings_of(ctx)
    with opened_engine(settings) as engine:
        return spend_of_day(SpendStore(engine), settings.budgets, day or today())


def _checked(day: str | None) -> str | None:
    try:
        return day and date.fromisoformat(day).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{day!r} is not a day: write it as YYYY-MM-DD.") from None


def _row(item: "Mapping[str, Any]") -> tuple[str, ...]:
    whose = item["key_name"] or item["key_id"] or "-"
    counts = (str(item[name]) for name in ("calls", "input_tokens", "output_tokens"))
    return (whose, item["pipeline"] or "-", item["provider"], *counts, f"{item['cost_usd']:.4f}")


def _budget(budget: "Mapping[str, Any]") -> str:
    whose = "all calls" if budget["budget"] == "all" else f"{budget['budget']} {budget['name']}"
    return f"Budget of {whose}: {budget['spent_usd']:.4f} of {budget['daily_usd']:.2f} USD spent."
