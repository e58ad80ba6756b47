from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.app import create_app
from service.settings import Settings

if TYPE_CHECKING:
    from tests.service.http.conftest import Live

SNAPSHOT = Path(__file__).parents[3] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings(home=Path("unused"))).openapi()


def test_the_document_in_docs_is_the_one_that_is_served(document: dict[str, Any]) -> None:
    """To accept a change: `python -m tests.service.http.test_openapi`."""
    assert json.loads(SNAPSHOT.read_text()) == document


def test_every_call_of_the_contract_is_described(document: dict[str, Any]) -> None:
    calls = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert calls == {
        "POST /v1/riddles",
        "GET /v1/riddles",
        "GET /v1/riddles/{riddle_id}",
        "POST /v1/batches",
        "GET /v1/batches/{batch_id}",
        "GET /v1/batches/{batch_id}/results",
        "GET /v1/batches/{batch_id}/events",
        "POST /v1/batches/{batch_id}/cancel",
        "POST /v1/batches/{batch_id}/retry",
        "POST /v1/riddles/{riddle_id}/guesses",
        "POST /v1/riddles/{riddle_id}/reveal",
        "POST /v1/riddles/{riddle_id}/feedback",
        "GET /v1/riddles/{riddle_id}/feedback",
        "POST /v1/riddles/{riddle_id}/promote",
        "POST /v1/examples/{example_id}/approve",
        "GET /v1/examples",
        "POST /v1/examples",
        "GET /v1/examples/{example_id}",
        "PUT /v1/examples/{example_id}",
        "DELETE /v1/examples/{example_id}",
        "POST /v1/examples/import",
        "GET /v1/examples/export",
        "GET /v1/feeds",
        "POST /v1/feeds",
        "GET /v1/feeds/{feed_id}",
        "PUT /v1/feeds/{feed_id}",
        "DELETE /v1/feeds/{feed_id}",
        "POST /v1/feeds/{feed_id}/pull",
        "GET /v1/pipelines",
        "GET /v1/pipelines/{name}",
        "POST /v1/pipelines/{name}/explain",
        "POST /v1/pipelines/compare",
        "GET /v1/spend",
        "GET /v1/prompts",
        "GET /v1/prompts/{name}",
        "GET /v1/prompts/{name}/{version}",
        "GET /v1/webhooks/deliveries",
        "GET /v1/webhooks/deliveries/{delivery_id}",
        "POST /v1/webhooks/deliveries/{delivery_id}/redeliver",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
    }


def test_every_error_is_described_as_a_problem(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and path.startswith("/v1/"):
                    assert list(response["content"]) == ["application/problem+json"]


def test_every_operation_and_schema_is_explained(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        assert all(operation.get("description") for operation in methods.values())
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description") or name.startswith("Page_"), name


def test_the_page_of_the_document_needs_nothing_from_the_internet(live: Live) -> None:
    page = live.get("/docs").text
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert any(address.endswith(".js") for address in loaded)
    for address in loaded:
        assert address.startswith("/docs/"), address
        assert len(live.get(address).content) > 500


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(create_app(Settings()).openapi(), indent=1, ensure_ascii=False) + "\n")
