from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from service.examples.schemas import ExampleOut
from tests.service.http.conftest import Live, serving, settings_for
from tests.service.http.played import ANSWER, ferry, stored
from tests.service.http.test_guesses import tenants_key
from tests.service.http.test_refusals import assert_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.openai_stub import OpenAIStub

counter = iter(range(1000, 2000))


@pytest.fixture(scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub) -> Iterator[Live]:
    with serving(settings_for(tmp_path_factory.mktemp("keyed"), _stub), _stub) as live:
        live.key("admin")
        yield live


@pytest.fixture
def keyed(_keyed: Live, stub: OpenAIStub) -> Live:
    return _keyed


@pytest.fixture
def writer(keyed: Live) -> dict[str, str]:
    return keyed.key("writer")


@pytest.fixture
def admin(keyed: Live) -> dict[str, str]:
    return keyed.key("admin")


def fresh(live: Live, **options: Any) -> str:
    """The path of a riddle that nobody has promoted."""
    return stored(live, ferry(next(counter)), **options)


def promote(live: Live, path: str, headers: dict[str, str], **edits: Any) -> dict[str, Any]:
    response = live.post(f"{path}/promote", json=edits, headers=headers)
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/v1/examples/{body['id']}"
    return body


def pending_ids(live: Live, headers: dict[str, str]) -> list[str]:
    page = live.get("/v1/examples", params={"status": "pending", "limit": 100}, headers=headers)
    assert page.status_code == 200, page.text
    return [item["id"] for item in page.json()["items"]]


def everywhere(live: Live, example: dict[str, Any], headers: dict[str, str]) -> dict[str, bool]:
    """Where an example is found."""
    listed = live.get("/v1/examples", params={"limit": 100}, headers=headers).json()["items"]
    found = live.get("/v1/examples", params={"query": example["article"], "k": 5}, headers=headers).json()["items"]
    exported = live.get("/v1/examples/export", headers=headers).text
    return {
        "listed": example["id"] in [item["id"] for item in listed],
        "found": example["id"] in [item["id"] for item in found],
        "exported": example["id"] in exported,
        "counted": example["id"] in [one.id for one in live.resources.examples.store.export(all_tenants=True)],
    }


def test_a_writers_promotion_waits_and_is_found_nowhere(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    revision = keyed.resources.examples.store.revision()
    made = promote(keyed, fresh(keyed), writer)
    assert made["status"] == "pending"
    assert set(everywhere(keyed, made, admin).values()) == {False}
    assert keyed.resources.examples.store.revision() == revision
    assert made["id"] in pending_ids(keyed, admin)
    assert keyed.get(f"/v1/examples/{made['id']}", headers=writer).json() == made
    assert_problem(keyed.get(f"/v1/examples/{made['id']}", headers=keyed.key("reader")), 404)


def test_an_approved_promotion_is_found_everywhere_with_its_provenance(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    path = fresh(keyed)
    made = promote(keyed, path, writer)
    approved = keyed.post(f"/v1/examples/{made['id']}/approve", headers=admin)
    assert approved.status_code == 200, approved.text
    ExampleOut.model_validate_json(approved.content)
    assert set(everywhere(keyed, made, admin).values()) == {True}
    assert made["id"] not in pending_ids(keyed, admin)
    body = approved.json()
    assert (body["status"], body["origin"], body["answer"]) == ("approved", "promoted", ANSWER)
    provenance = body["provenance"]
    assert path.endswith(provenance["riddle_id"])
    assert provenance["pipeline"] == "openai"
    assert provenance["steps"] == [
        {"step": "riddle", "prompt": "riddle@2", "model": "openai:small", "example_ids": ["ex_1"], "cached": False}
    ]
    assert provenance["promoted_by"] == key_id(writer)
    assert provenance["approved_by"] == key_id(admin)
    assert provenance["promoted_at"] < provenance["approved_at"]
    assert keyed.get(f"/v1/examples/{made['id']}", headers=writer).json() == body
    again = keyed.post(f"/v1/examples/{made['id']}/approve", headers=keyed.key("admin"))
    assert again.json() == body


def key_id(headers: dict[str, str]) -> str:
    return headers["Authorization"].split("_")[1]


def test_the_next_riddle_is_shown_what_was_approved(keyed: Live, writer: dict[str, str], admin: dict[str, str]) -> None:
    riddle = ferry(next(counter))
    made = promote(keyed, stored(keyed, riddle), writer, headline="Boat aground off Kelpie Island")
    article = {"text": riddle.article.text + " The boat will sail again on Monday.", "title": "Boat aground"}
    body = {"article": article}

    def shown() -> str:
        return str(keyed.post("/v1/riddles", json=body, headers=writer).json()["provenance"])

    assert made["id"] not in shown()
    keyed.post(f"/v1/examples/{made['id']}/approve", headers=admin)
    assert made["id"] in shown()


def test_an_admins_own_promotion_is_approved_at_once(keyed: Live, admin: dict[str, str]) -> None:
    made = promote(keyed, fresh(keyed), admin)
    assert made["status"] == "approved"
    assert made["provenance"]["promoted_by"] == made["provenance"]["approved_by"] == key_id(admin)
    assert set(everywhere(keyed, made, admin).values()) == {True}


def test_the_same_riddle_twice_gives_the_same_example(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    path = fresh(keyed)
    first = promote(keyed, path, writer)
    assert promote(keyed, path, writer, topic="sea") == first
    keyed.post(f"/v1/examples/{first['id']}/approve", headers=admin)
    assert promote(keyed, path, writer)["id"] == first["id"]
    assert promote(keyed, path, admin)["status"] == "approved"


def test_a_second_writer_is_told_that_a_promotion_waits_and_sees_nothing_of_it(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    path, other = fresh(keyed), keyed.key("writer")
    made = promote(keyed, path, writer, topic="a secret topic", headline="A secret headline")
    refused = keyed.post(f"{path}/promote", json={"topic": "sea"}, headers=other)
    assert assert_problem(refused, 409).type == "urn:riddlewire:problem:promotion-waits"
    assert "secret" not in refused.text
    assert made["id"] not in refused.text
    assert promote(keyed, path, writer) == promote(keyed, path, admin) == made

    keyed.post(f"/v1/examples/{made['id']}/approve", headers=admin)
    assert promote(keyed, path, other)["id"] == made["id"]


def test_writers_who_promote_a_riddle_at_once_see_their_own_promotion_only(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    path, senders = fresh(keyed), [writer, *(keyed.key("writer") for _ in range(7))]

    def sent(sender: dict[str, str]) -> tuple[int, str | None]:
        answer = keyed.post(f"{path}/promote", headers=sender)
        return answer.status_code, (answer.json().get("provenance") or {}).get("promoted_by")

    with ThreadPoolExecutor(len(senders)) as threads:
        answers = list(threads.map(sent, senders))
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]
    assert all(by == key_id(sender) for sender, (status, by) in zip(senders, answers, strict=True) if status == 201)


def test_a_rejected_promotion_makes_room_for_another_writers(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    path, other = fresh(keyed), keyed.key("writer")
    made = promote(keyed, path, writer)
    with keyed.client(headers=admin) as client:
        assert client.delete(f"/v1/examples/{made['id']}").status_code == 204
    assert promote(keyed, path, other)["provenance"]["promoted_by"] == key_id(other)


def test_edits_in_the_body_replace_parts_of_the_riddle(keyed: Live, writer: dict[str, str]) -> None:
    edits = {
        "summary": "A boat ran onto a sandbank and waited for the tide.",
        "answer": "a stranded boat",
        "riddle": "My road ran out beneath me with the sun,\nAnd now I sit where I should run.\nWho waits here?",
        "hints": ["It needs the sea to come back."],
        "headline": "Aground until dawn",
        "topic": "transport",
    }
    made = promote(keyed, fresh(keyed), writer, **edits)
    assert {name: made[name] for name in edits} == edits


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ({"riddle": "The ferry sat on a sandbank.\nWho am I, do you think, my dear?"}, "from the answer"),
        ({"riddle": "Look at https://evil.example\nand tell me what you see in there?"}, "refused by the gate"),
        ({"summary": "word " * 100}, "more than 90 words"),
        ({"answer": "ferry"}, "2 to 7 words"),
        ({"hints": []}, "hint"),
    ],
)
def test_what_the_gate_refuses_is_told_and_not_kept(
    keyed: Live, writer: dict[str, str], admin: dict[str, str], edits: dict[str, Any], reason: str
) -> None:
    path = fresh(keyed)
    before = pending_ids(keyed, admin)
    for headers in (writer, admin):
        problem = assert_problem(keyed.post(f"{path}/promote", json=edits, headers=headers), 422)
        assert reason in problem.detail
    assert pending_ids(keyed, admin) == before


def test_a_riddle_that_failed_the_gate_can_be_repaired_by_its_promoter(keyed: Live, writer: dict[str, str]) -> None:
    path = stored(keyed, ferry(next(counter), status="needs_review", riddle=None, answer=None, hints=()))
    assert_problem(keyed.post(f"{path}/promote", headers=writer), 422)
    good = ferry()
    made = promote(keyed, path, writer, riddle=good.riddle, answer=good.answer, hints=list(good.hints))
    assert made["status"] == "pending"


def test_a_rejected_promotion_is_gone_and_can_be_made_again(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    path = fresh(keyed)
    made = promote(keyed, path, writer)
    with keyed.client(headers=admin) as client:
        assert client.delete(f"/v1/examples/{made['id']}").status_code == 204
        assert_problem(client.get(f"/v1/examples/{made['id']}"), 404)
        assert_problem(client.post(f"/v1/examples/{made['id']}/approve"), 404)
    assert promote(keyed, path, writer)["id"] != made["id"]


def test_an_approved_example_that_was_removed_can_be_promoted_again(keyed: Live, admin: dict[str, str]) -> None:
    path = fresh(keyed)
    made = promote(keyed, path, admin)
    with keyed.client(headers=admin) as client:
        assert client.delete(f"/v1/examples/{made['id']}").status_code == 204
    again = promote(keyed, path, admin)
    assert again["status"] == "approved"
    assert set(everywhere(keyed, again, admin).values()) == {True}


def test_only_admins_see_and_decide_what_waits(keyed: Live, writer: dict[str, str]) -> None:
    made = promote(keyed, fresh(keyed), writer)
    for headers in (writer, keyed.key("reader")):
        assert_problem(keyed.get("/v1/examples", params={"status": "pending"}, headers=headers), 403)
        assert_problem(keyed.post(f"/v1/examples/{made['id']}/approve", headers=headers), 403)
    assert_problem(keyed.post("/v1/examples/ex_nope/approve", headers=keyed.key("admin")), 404)


def test_only_admins_and_its_sender_see_and_delete_one_promotion_that_waits(
    keyed: Live, writer: dict[str, str], admin: dict[str, str]
) -> None:
    made = [promote(keyed, fresh(keyed), writer) for _ in range(2)]
    (first, second) = (f"/v1/examples/{one['id']}" for one in made)
    for headers in (keyed.key("writer"), tenants_key(keyed, "writer", "a"), tenants_key(keyed, "admin", "a")):
        with keyed.client(headers=headers) as client:
            assert_problem(client.get(first), 404)
            assert_problem(client.delete(first), 404)
    assert {one["id"] for one in made} <= set(pending_ids(keyed, admin))
    for path, headers in ((first, writer), (second, admin)):
        with keyed.client(headers=headers) as client:
            assert client.get(path).json()["status"] == "pending"
            assert client.delete(path).status_code == 204
            assert_problem(client.get(path), 404)


def test_a_tenants_writer_does_not_delete_what_another_of_it_promoted(keyed: Live) -> None:
    one, other = (tenants_key(keyed, "writer", "a") for _ in range(2))
    made = promote(keyed, fresh(keyed, tenant="a"), one)
    with keyed.client(headers=other) as client:
        assert_problem(client.delete(f"/v1/examples/{made['id']}"), 404)
    assert made["id"] in pending_ids(keyed, tenants_key(keyed, "admin", "a"))


def test_tenants_promote_and_approve_among_themselves(keyed: Live, admin: dict[str, str]) -> None:
    writer, boss, other = (tenants_key(keyed, *who) for who in (("writer", "a"), ("admin", "a"), ("admin", "b")))
    made = promote(keyed, fresh(keyed, tenant="a"), writer)
    assert made["id"] in pending_ids(keyed, boss)
    assert made["id"] not in pending_ids(keyed, other)
    assert_problem(keyed.get(f"/v1/examples/{made['id']}", headers=other), 404)
    assert_problem(keyed.post(f"/v1/examples/{made['id']}/approve", headers=other), 404)
    with keyed.client(headers=other) as client:
        assert_problem(client.delete(f"/v1/examples/{made['id']}"), 404)
    assert keyed.post(f"/v1/examples/{made['id']}/approve", headers=boss).status_code == 200
    assert everywhere(keyed, made, boss)["found"]
    assert not everywhere(keyed, made, admin)["found"]


def test_a_shared_riddle_is_promoted_by_each_tenant_for_itself(keyed: Live) -> None:
    path = fresh(keyed)
    one, two = (promote(keyed, path, tenants_key(keyed, "writer", tenant)) for tenant in "ab")
    assert one["id"] != two["id"]


def test_another_tenants_riddle_cannot_be_promoted(keyed: Live) -> None:
    path = fresh(keyed, tenant="a")
    assert_problem(keyed.post(f"{path}/promote", headers=tenants_key(keyed, "writer", "b")), 404)


@pytest.mark.parametrize(
    "body", [{"answer": ""}, {"hints": "x"}, {"article": "x"}, {"summary": "a\x00b"}, [], {"topic": "x" * 101}]
)
def test_what_is_no_edit_is_refused(keyed: Live, writer: dict[str, str], body: Any) -> None:
    assert_problem(keyed.post(f"{fresh(keyed)}/promote", json=body, headers=writer), 422)


def test_an_answer_about_an_example_can_be_edited_and_imported(keyed: Live, admin: dict[str, str]) -> None:
    import orjson

    made = promote(keyed, fresh(keyed), admin)
    line = orjson.dumps({**made, "topic": "sea"})
    headers = {**admin, "Content-Type": "application/x-ndjson"}
    report = keyed.post("/v1/examples/import", content=line, headers=headers).json()
    assert (report["updated"], report["rejected"]) == (1, [])
    assert keyed.get(f"/v1/examples/{made['id']}", headers=admin).json()["origin"] == "promoted"
