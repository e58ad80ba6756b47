"""Whatever the OpenAPI document allows, and much that it does not, is answered without a server error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from service.settings import Settings

if TYPE_CHECKING:
    from tests.service.http.conftest import Live


@schemathesis.serializer("application/x-ndjson")
def lines_of_json(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


pytestmark = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module"  # the service does, in threads of its own, while strategies draw
)
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
DOCUMENT = create_app(Settings()).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)]
EXAMPLES = 25


def _named(operation: Any) -> str:
    return f"{operation.method.upper()} {operation.path}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=_named)
def test_no_request_that_the_document_allows_makes_the_server_fail(live: Live, operation: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def fuzz(case: Any) -> None:
        response = case.call(base_url=live.url)
        case.validate_response(response, checks=CHECKS)

    fuzz()


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["article", "text", "title", "pipeline", "url", "published_at"]) | st.text(), inner
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_makes_the_server_fail(live: Live, body: Any) -> None:
    content = json.dumps(body).encode()
    response = live.post("/v1/riddles", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in {201, 404, 422}, (body, response.text)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=300), path=st.sampled_from(["/v1/riddles", "/v1/examples", "/v1/pipelines/compare"]))
def test_no_bytes_make_the_server_fail(live: Live, body: bytes, path: str) -> None:
    response = live.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {413, 422}, (body, response.text)
