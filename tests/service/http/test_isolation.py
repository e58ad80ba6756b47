"""Whose batches, webhook deliveries, spend, riddles and feeds a key sees: the table of docs/http.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.storage.spend import Account, Spent
from tests.service.http.batches import articles
from tests.service.http.conftest import Live, serving, settings_for
from tests.service.http.played import ferry, stored
from tests.service.http.test_webhooks import LOG, announce

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.openai_stub import OpenAIStub

WHO: Mapping[str, tuple[Any, str | None]] = {
    "ann": ("writer", None),
    "bob": ("writer", None),
    "eve": ("writer", "news"),
    "kim": ("writer", "news"),
    "boss": ("admin", "news"),
    "sue": ("writer", "sport"),
    "chief": ("admin", "sport"),
    "root": ("admin", None),
}
SEEN_BY = {"ann": {"ann", "root"}, "eve": {"eve", "kim", "boss", "root"}}
DAY = "2020-01-01"


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub) -> Iterator[Live]:
    budgets = {"daily_usd": 100.0, "pipelines": {"openai": 50.0}}
    with serving(settings_for(tmp_path_factory.mktemp("shared"), _stub, budgets=budgets), _stub) as live:
        yield live


@pytest.fixture(scope="module")
def ids(_shared: Live) -> dict[str, str]:
    """Ids of keys by name."""
    return {}


@pytest.fixture(scope="module")
def headers(_shared: Live, ids: dict[str, str]) -> dict[str, dict[str, str]]:
    """What each of them sends."""
    made = {}
    for name, (role, tenant) in WHO.items():
        key, secret = _shared.resources.keys.create(name, role, tenant=tenant, daily_usd=5.0)
        ids[name], made[name] = key.id, {"X-API-Key": secret}
    return made


@pytest.fixture(scope="module")
def nobodys(_shared: Live) -> str:
    """A batch from before there were keys."""
    answer = _shared.post("/v1/batches", json={"articles": articles(1, "time before keys")})
    assert answer.status_code == 202, answer.text
    return str(answer.headers["Location"])


@pytest.fixture
def shared(_shared: Live, nobodys: str, headers: dict[str, dict[str, str]], stub: OpenAIStub) -> Live:
    """A service that several tenants and keys without a tenant use."""
    return _shared


def answers(live: Live, path: str, sent: dict[str, str]) -> dict[str, int]:
    """The status of everything that can be done with a batch."""
    lines = {**sent, "Accept": "application/x-ndjson"}
    return {
        "get": live.get(path, headers=sent).status_code,
        "results": live.get(f"{path}/results", headers=sent).status_code,
        "lines": live.get(f"{path}/results", headers=lines).status_code,
        "events": live.get(f"{path}/events", headers=sent).status_code,
        "retry": live.post(f"{path}/retry", headers=sent).status_code,
        "cancel": live.post(f"{path}/cancel", headers=sent).status_code,
    }


@pytest.mark.parametrize("owner", list(SEEN_BY))
def test_a_batch_exists_only_for_its_tenant_or_its_key_and_for_admins_of_all(
    shared: Live, headers: dict[str, dict[str, str]], owner: str
) -> None:
    body = {"articles": articles(1, f"batch of {owner}")}
    path = shared.post("/v1/batches", json=body, headers=headers[owner]).headers["Location"]
    refused = {"get": 404, "results": 404, "lines": 404, "events": 404, "retry": 404, "cancel": 404}
    strangers = {name: answers(shared, path, headers[name]) for name in WHO if name not in SEEN_BY[owner]}
    assert strangers == dict.fromkeys(strangers, refused)
    assert shared.get(path, headers=headers[owner]).json()["status"] != "cancelled"
    allowed = {"get": 200, "results": 200, "lines": 200, "events": 200, "retry": 200, "cancel": 409}  # it is done
    insiders = {name: answers(shared, path, headers[name]) for name in SEEN_BY[owner]}
    assert insiders == dict.fromkeys(insiders, allowed)


def test_a_batch_that_came_without_a_key_is_seen_by_admins_of_all_only(
    shared: Live, headers: dict[str, dict[str, str]], nobodys: str
) -> None:
    seen = {name for name in WHO if shared.get(nobodys, headers=headers[name]).status_code == 200}
    assert seen == {"root"}


def test_a_tenants_admin_sees_and_sends_again_its_tenants_deliveries_only(
    shared: Live, headers: dict[str, dict[str, str]], ids: dict[str, str]
) -> None:
    made = {
        name: announce(shared.resources.engine, subject=name, key_id=ids[name], tenant=WHO[name][1])
        for name in ("ann", "eve", "sue")
    }

    def seen(name: str) -> set[str]:
        return {item["subject"] for item in shared.get(LOG, headers=headers[name]).json()["items"]}

    assert seen("boss") == seen("kim") == {"eve"}
    assert seen("chief") == {"sue"}
    assert seen("ann") == {"ann"}
    assert seen("bob") == set()
    assert seen("root") == {"ann", "eve", "sue"}
    again = {
        name: shared.post(f"{LOG}/{delivery}/redeliver", headers=headers["boss"]).status_code
        for name, delivery in made.items()
    }
    assert again == {"ann": 404, "eve": 202, "sue": 404}


def test_a_tenants_admin_sees_what_its_tenants_keys_spent_and_no_budget_of_others(
    shared: Live, headers: dict[str, dict[str, str]], ids: dict[str, str]
) -> None:
    one = Spent(calls=1, input_tokens=10, output_tokens=5, cost_usd=0.5)
    spenders = ("ann", "eve", "kim", "sue")
    shared.resources.limits.spend.add({Account(DAY, ids[name], "openai", "openai"): one for name in spenders})

    def spend(name: str) -> dict[str, Any]:
        answer = shared.get("/v1/spend", params={"day": DAY}, headers=headers[name])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    mine = spend("boss")
    assert {item["key_name"] for item in mine["items"]} == {"eve", "kim"}
    assert mine["total_usd"] == 1.0
    budgets = {(each["budget"], each["name"]): each["spent_usd"] for each in mine["budgets"]}
    assert budgets == {("key", ids["eve"]): 0.5, ("key", ids["kim"]): 0.5, ("key", ids["boss"]): 0.0}
    everything = spend("root")
    assert {item["key_name"] for item in everything["items"]} == set(spenders)
    assert everything["total_usd"] == 2.0
    assert {("all", None), ("pipeline", "openai")} < {(each["budget"], each["name"]) for each in everything["budgets"]}


def test_a_tenants_riddle_is_read_by_its_keys_and_admins_of_all_and_nobodys_by_everybody(
    shared: Live, headers: dict[str, dict[str, str]]
) -> None:
    def seen(path: str) -> set[str]:
        found = {name for name in WHO if shared.get(path, headers=headers[name]).status_code == 200}
        listed = {name for name in WHO if path.endswith(tuple(listed_ids(name)))}
        assert listed == found
        return found

    def listed_ids(name: str) -> list[str]:
        page = shared.get("/v1/riddles", params={"limit": 100}, headers=headers[name]).json()
        return [item["id"] for item in page["items"]]

    assert seen(stored(shared, ferry(1), tenant="news")) == {"eve", "kim", "boss", "root"}
    assert seen(stored(shared, ferry(2))) == set(WHO)


def test_a_tenants_feed_is_seen_by_its_keys_and_admins_of_all_only(
    shared: Live, headers: dict[str, dict[str, str]]
) -> None:
    def seen(path: str) -> set[str]:
        found = {name for name in WHO if shared.get(path, headers=headers[name]).status_code == 200}
        pages = {name: shared.get("/v1/feeds", headers=headers[name]).json()["items"] for name in WHO}
        assert {
            name for name, feeds in pages.items() if path.rpartition("/")[2] in [feed["id"] for feed in feeds]
        } == found
        return found

    feed = {"kind": "rss", "url": "sample:"}
    tenants, houses = (shared.post("/v1/feeds", json=feed, headers=headers[name]) for name in ("boss", "root"))
    assert seen(tenants.headers["Location"]) == {"eve", "kim", "boss", "root"}
    assert seen(houses.headers["Location"]) == {"ann", "bob", "root"}
