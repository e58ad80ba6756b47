from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.exits import Exit
from service.limits.service import today
from service.storage.engine import open_engine
from service.storage.spend import Account, SpendStore, Spent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli


def spend(cli: Cli, day: str, key_id: str = "", *, unpriced: int = 0) -> None:
    engine = open_engine(f"sqlite:///{cli.home}/riddlewire.db")
    spent = Spent(calls=2, unpriced_calls=unpriced, input_tokens=300, output_tokens=40, cost_usd=1.25)
    SpendStore(engine).add({Account(day, key_id, "openai", "openai"): spent})
    engine.dispose()


def test_what_was_spent_is_shown_by_key_with_what_is_left_of_its_budget(cli: Cli) -> None:
    key = cli("keys", "create", "newsroom", "--daily-usd", "5", "--json").json
    spend(cli, today(), key["id"], unpriced=1)
    ended = cli("spend")
    assert ended.code == Exit.OK
    assert ended.out.split() == ["newsroom", "openai", "openai", "2", "300", "40", "1.2500"]
    assert f"Budget of key {key['id']}: 1.2500 of 5.00 USD spent." in ended.err
    assert "1 calls of unknown price" in ended.err


def test_a_day_can_be_named(cli: Cli) -> None:
    cli("keys", "list")  # makes the database
    spend(cli, "2026-11-29")
    assert cli("spend", "--day", "2026-11-29", "--json").json["total_usd"] == 1.25
    assert cli("spend", "--day", "2026-11-28", "--json").json["items"] == []
    nothing = cli("spend", "--day", "2026-11-28")
    assert (nothing.out, nothing.err) == ("", "No model call was paid for on 2026-11-28.\n")
    assert "No model call" not in cli("spend", "--day", "2026-11-29").err
    assert cli("spend", "--day", "yesterday").code == Exit.USAGE


def test_a_keys_budget_is_listed_changed_and_taken_away(cli: Cli) -> None:
    key_id = cli("keys", "create", "newsroom", "--daily-usd", "5", "--json").json["id"]
    assert "5.00" in cli("keys", "list").out
    assert cli("keys", "budget", key_id, "7.5").code == Exit.OK
    assert cli("keys", "list", "--json").json[0]["daily_usd"] == 7.5
    cli("keys", "budget", key_id)
    assert cli("keys", "list", "--json").json[0]["daily_usd"] is None
    assert cli("keys", "budget", "nosuchkey", "1").code == Exit.FAILED


def test_a_riddle_made_twice_is_remembered_unless_a_fresh_one_is_wanted(service: Cli, article: Path) -> None:
    asked = ["riddle", str(article), "--json"]
    cached = [
        [step["cached"] for step in service(*asked, *more, RIDDLEWIRE_CACHE_ENABLED="true").json["provenance"]["steps"]]
        for more in ([], [], ["--fresh"])
    ]
    assert cached == [[False, False], [True, True], [False, False]]
    spent = service("spend", "--json").json["items"]
    assert [(item["pipeline"], item["calls"]) for item in spent] == [("openai", 4)]
