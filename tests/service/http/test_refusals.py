from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from service.schemas import ProblemOut
from tests.service.http.conftest import ARTICLE, Live
from tests.support.openai_stub import HTML, NO_CHOICES, NONSENSE, NOT_JSON, Behaviour, rate_limited

if TYPE_CHECKING:
    import httpx


def assert_problem(response: httpx.Response, status: int) -> ProblemOut:
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    problem = ProblemOut.model_validate_json(response.content)
    assert problem.status == status
    assert problem.instance == response.headers["x-request-id"]
    assert len(response.content) < 8_000
    return problem


def riddle(live: Live, content: bytes, content_type: str = "application/json") -> httpx.Response:
    return live.post("/v1/riddles", content=content, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nonsense",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"article": "text"}',
        b'{"article": {}}',
        b'{"article": {"text": 7}}',
        b'{"article": {"text": null}}',
        b'{"article": {"text": ""}}',
        b'{"article": {"text": " \\n\\t "}}',
        b'{"article": {"text": "\\u200b\\u2060\\ufeff"}}',
        b'{"article": {"text": "a\\u0000b"}}',
        b'{"article": {"text": "fine", "title": "a\\u0000b"}}',
        b'{"article": {"text": "a\\ud800b"}}',
        b'{"article": {"text": "\\udc00\\ud800"}}',
        b'{"article": {"text": "fine", "source": "\\ud800"}}',
        b'{"article": {"text": "\xff\xfe"}}',
        b'{"article": {"text": "\xed\xa0\x80"}}',
        b'{"article": {"text": "fine", "texxt": 1}}',
        b'{"article": {"text": "fine"}, "pipelin": "openai"}',
        b'{"article": {"text": "fine"}, "pipeline": 1}',
        b'{"article": {"text": "fine"}, "pipeline": "a\\u0000"}',
        b'{"article": {"text": "fine", "url": "javascript:alert(1)"}}',
        b'{"article": {"text": "fine", "published_at": "yesterday"}}',
        b'{"article": {"text": "fine", "published_at": "2026-03-02T09:30:00"}}',
        b'{"article": {"text": "fine", "published_at": 1e400}}',
        b'{"article": {"text": "fine", "published_at": 1e18}}',
        b'{"article": {"text": "fine", "published_at": "0001-01-01T00:00:00+14:00"}}',
        b'{"article": {"text": "fine", "language": "no such language at all"}}',
        b'{"article": {"text": "fine", "a\\ud800": 1}}',
        b'{"article": {"text": NaN}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
def test_a_body_that_cannot_be_used_is_told_what_is_wrong_where(live: Live, content: bytes) -> None:
    problem = assert_problem(riddle(live, content), 422)
    assert problem.errors
    assert problem.errors[0].loc[0] == "body"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""]
)
def test_another_content_type_is_refused(live: Live, content_type: str) -> None:
    assert_problem(riddle(live, json.dumps({"article": ARTICLE}).encode(), content_type), 415)


@pytest.mark.parametrize("path", ["/v1/riddles", "/v1/batches", "/v1/examples/import"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_refused_with_what_to_do(live: Live, path: str, encoding: str) -> None:
    content_type = "application/x-ndjson" if path.endswith("import") else "application/json"
    body = gzip.compress(json.dumps({"article": ARTICLE}).encode())
    refused = live.post(path, content=body, headers={"Content-Type": content_type, "Content-Encoding": encoding})
    assert "send it uncompressed" in assert_problem(refused, 415).detail
    assert refused.headers["accept-encoding"] == "identity"


def test_a_body_that_says_it_is_not_compressed_is_taken(live: Live) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    body = json.dumps({"article": ARTICLE}).encode()
    assert live.post("/v1/riddles", content=body, headers=headers).status_code == 201


def test_a_text_that_is_too_long_is_told_in_characters(live: Live) -> None:
    problem = assert_problem(live.make({**ARTICLE, "title": "t" * 1001}), 422)
    assert problem.errors[0].msg == "String should have at most 1000 characters"
    assert problem.errors[0].type == "string_too_long"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_taken_under_any_spelling_of_its_type(live: Live, content_type: str) -> None:
    assert riddle(live, json.dumps({"article": ARTICLE}).encode(), content_type).status_code == 201


def test_a_refusal_does_not_repeat_what_was_sent(live: Live) -> None:
    huge = "secret-" * 100_000
    response = live.post("/v1/riddles", json={"article": {"text": "fine", huge: huge, "title": 5}})
    assert_problem(response, 422)
    assert response.text.count("secret-") < 50


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/riddles/", 404),
        ("GET", "/v1/pipelines/nope", 404),
        ("GET", "/v1/prompts/nope", 404),
        ("GET", "/v1/prompts/riddle/999", 404),
        ("GET", "/v1/examples/nope", 404),
        ("DELETE", "/v1/riddles", 405),
        ("POST", "/livez", 405),
        ("PATCH", "/v1/examples/nope", 405),
        ("GET", "/v1/riddles?limit=0", 422),
        ("GET", "/v1/riddles?limit=many", 422),
        ("GET", "/v1/riddles?cursor=!!!", 422),
        ("GET", "/v1/riddles?cursor=%00", 422),
        ("GET", "/v1/riddles?day=2026-13-01", 422),
        ("GET", "/v1/riddles?status=lost", 422),
        ("GET", "/v1/riddles?q=%00", 422),
        ("GET", "/v1/riddles?source=%00", 422),
        ("GET", "/v1/examples?cursor=nope", 422),
        ("GET", "/v1/examples?topic=%00", 422),
        ("GET", "/v1/examples?query=%00", 422),
        ("GET", "/v1/prompts/riddle/zero", 422),
    ],
)
def test_every_error_is_a_problem_document(live: Live, method: str, path: str, status: int) -> None:
    with live.client() as client:
        assert_problem(client.request(method, path), status)


def test_a_method_that_is_not_allowed_names_those_that_are(live: Live) -> None:
    with live.client() as client:
        response = client.request("DELETE", "/v1/riddles")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (Behaviour(status=400, message="bad request"), 502),
        (Behaviour(status=401, message="bad key"), 502),
        (Behaviour(status=500, message="broken"), 502),
        (HTML, 502),
        (NONSENSE, 502),
        (NOT_JSON, 502),
        (NO_CHOICES, 502),
        (rate_limited("7"), 503),
    ],
)
def test_a_failing_provider_is_told_with_its_reason(serve: Any, behaviour: Behaviour, status: int) -> None:
    live = serve(providers={"openai": {"max_retries": 0}})
    live.stub.enqueue(*[behaviour] * 8)
    response = live.make()
    problem = assert_problem(response, status)
    assert problem.type.startswith("urn:riddlewire:problem:provider-")
    assert "sk-of-the-provider" not in response.text
    if status == 503:
        assert int(response.headers["retry-after"]) >= 1


def test_the_callers_request_id_is_kept_when_it_is_sane(live: Live) -> None:
    assert live.get("/livez", headers={"X-Request-Id": "trace-42.a"}).headers["x-request-id"] == "trace-42.a"


@pytest.mark.parametrize("sent", ["x" * 200, "a b", "<script>"])
def test_another_request_id_is_replaced(live: Live, sent: str) -> None:
    got = live.get("/livez", headers={"X-Request-Id": sent}).headers["x-request-id"]
    assert got != sent
    assert len(got) == 32
