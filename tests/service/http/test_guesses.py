from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.guesses.schemas import FeedbackOut, FeedbackPage, GuessOut, RevealOut
from service.telemetry.guess_metrics import VERDICTS
from service.telemetry.metrics import process
from tests.service.http.conftest import Live, serving, settings_for
from tests.service.http.played import ANSWER, NEAR, RIGHT, WRONG, ferry, guess, stored
from tests.service.http.test_refusals import assert_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.http.conftest import Serve
    from tests.support.openai_stub import OpenAIStub


@pytest.fixture(scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub) -> Iterator[Live]:
    with serving(settings_for(tmp_path_factory.mktemp("keyed"), _stub), _stub) as live:
        live.key("admin")
        yield live


@pytest.fixture
def keyed(_keyed: Live, stub: OpenAIStub) -> Live:
    return _keyed


def tenants_key(live: Live, role: Any, tenant: str) -> dict[str, str]:
    _, secret = live.resources.keys.create("test", role, tenant=tenant)
    return {"Authorization": f"Bearer {secret}"}


def test_a_right_guess_solves_the_riddle(live: Live) -> None:
    response = guess(live, stored(live), RIGHT)
    assert response.status_code == 200
    GuessOut.model_validate_json(response.content, strict=True)
    assert response.json()["correct"] is True
    assert response.json()["hint"] is None
    assert response.json()["solved_by"] == 1


def test_a_hint_that_no_reader_is_shown_takes_nothing_from_a_guess(live: Live) -> None:
    path = stored(live, ferry(hints=(f"It is {ANSWER}, of course.", "Its way is usually wet.")))
    for number, text in enumerate((ANSWER, f"{ANSWER} of an island", "stuck on the sandbank: a ferry")):
        assert guess(live, path, text, reader=str(number)).json()["correct"] is True
    assert guess(live, path, "Its way is usually wet.", reader="eve").json()["correct"] is False


def test_wrong_guesses_get_the_hints_one_after_another(live: Live) -> None:
    path = stored(live)
    answers = [guess(live, path, text).json() for text in (WRONG, NEAR, "a hurricane", RIGHT, "an elephant")]
    assert [one["hint"] for one in answers] == [*ferry().hints, None, None, None]
    assert [one["correct"] for one in answers] == [False, False, False, True, False]
    assert [one["near"] for one in answers] == [False, True, False, False, False]
    assert answers[0]["score"] < answers[1]["score"] < answers[3]["score"]
    assert [one["solved_by"] for one in answers] == [0, 0, 0, 1, 1]


def test_scores_do_not_tell_which_of_two_words_is_nearer(live: Live) -> None:
    path = stored(live)
    near, wrong = ("ferry", "sandbank", "passengers", "a stuck train"), ("a boat", "shipwreck", "an elephant", WRONG)
    told = {word: guess(live, path, word, reader=word).json() for word in (*near, *wrong)}
    assert [(told[word]["near"], told[word]["score"]) for word in near] == [(True, 0.5)] * len(near)
    assert [(told[word]["near"], told[word]["score"]) for word in wrong[1:]] == [(False, 0.0)] * 3
    assert told["a boat"]["score"] == 0.1
    assert guess(live, path, RIGHT, reader="ferry").json()["score"] > 0.69


def test_guesses_are_counted_by_verdict_and_the_same_one_once(live: Live) -> None:
    def counted() -> list[float]:
        name = "riddlewire_guesses_total"
        return [process.registry.get_sample_value(name, {"verdict": verdict}) or 0 for verdict in VERDICTS]

    path, before = stored(live), counted()
    for text in (WRONG, WRONG.upper(), NEAR, "an elephant", RIGHT):
        guess(live, path, text)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 2]
    assert f'riddlewire_guesses_total{{verdict="near"}} {counted()[1]}' in live.get("/metrics").text


def test_the_same_guess_again_is_answered_as_before(live: Live) -> None:
    path = stored(live)
    first = guess(live, path, WRONG).json()
    assert guess(live, path, f"  {WRONG.upper()}! ").json() == first
    assert guess(live, path, "a hurricane").json()["hint"] == ferry().hints[1]


def test_readers_of_one_key_are_told_apart(live: Live) -> None:
    path = stored(live)
    assert guess(live, path, RIGHT, reader="ann").json()["solved_by"] == 1
    assert guess(live, path, RIGHT, reader="ann").json()["solved_by"] == 1
    assert guess(live, path, RIGHT, reader="bob").json()["solved_by"] == 2
    assert guess(live, path, RIGHT).json()["solved_by"] == 3
    assert guess(live, path, WRONG, reader="eve").json()["hint"] == ferry().hints[0]


def test_readers_of_two_keys_never_meet(keyed: Live) -> None:
    path = stored(keyed)
    one, other = keyed.key("reader"), keyed.key("reader")
    assert guess(keyed, path, RIGHT, reader="ann", headers=one).json()["solved_by"] == 1
    assert "answer" in keyed.get(path, params={"reader": "ann"}, headers=one).json()
    assert "answer" not in keyed.get(path, params={"reader": "ann"}, headers=other).json()
    assert guess(keyed, path, RIGHT, reader="ann", headers=other).json()["solved_by"] == 2


def test_what_callers_call_their_readers_is_not_kept(live: Live) -> None:
    path = stored(live)
    guess(live, path, WRONG, reader="ann@readers.example")
    live.post(f"{path}/reveal", json={"reader": "ann@readers.example"})
    live.post(f"{path}/feedback", json={"reader": "ann@readers.example", "rating": 1})
    home = live.resources.settings.home
    kept = b"".join(file.read_bytes() for file in home.glob("riddlewire.db*"))
    assert b"Kelpie" in kept
    assert b"readers.example" not in kept
    assert WRONG.encode() not in kept


def test_a_reader_has_so_many_guesses_and_no_more(serve: Serve) -> None:
    live = serve(limits={"guesses": "3/hour"})
    path = stored(live)
    for number in range(3):
        assert guess(live, path, f"guess number {number}").status_code == 200
    refused = guess(live, path, "one more")
    assert assert_problem(refused, 429).type == "urn:riddlewire:problem:too-many-guesses"
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert guess(live, path, "guess number 1").status_code == 200
    assert guess(live, path, "one more", reader="another").status_code == 200
    assert guess(live, stored(live, ferry(1)), "one more").status_code == 200


def test_a_reveal_tells_everything_and_spoils_the_solve(live: Live) -> None:
    path = stored(live)
    revealed = live.post(f"{path}/reveal", json={"reader": "ann"})
    assert revealed.status_code == 200
    RevealOut.model_validate_json(revealed.content, strict=True)
    assert revealed.json()["answer"] == ANSWER
    assert revealed.json()["summary"] == ferry().summary
    assert revealed.json()["article"]["url"] == ferry().article.url
    after = guess(live, path, RIGHT, reader="ann").json()
    assert (after["correct"], after["solved_by"]) == (True, 0)
    assert guess(live, path, RIGHT, reader="bob").json()["solved_by"] == 1


def test_a_reveal_needs_no_body(live: Live) -> None:
    path = stored(live)
    assert live.post(f"{path}/reveal").status_code == 200
    assert live.post(f"{path}/reveal", json={}).json()["answer"] == ANSWER
    url = httpx.URL(live.url)
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:  # as `curl -X POST` sends it
        connection.sendall(f"POST {path}/reveal HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_solve_or_a_reveal_shows_the_rest_to_its_reader_alone(keyed: Live) -> None:
    path, reader = stored(keyed), keyed.key("reader")

    def seen(**params: str) -> set[str]:
        shown = keyed.get(path, params=params, headers=reader).json()
        return {name for name in ("answer", "summary", "provenance") if name in shown}

    guess(keyed, path, RIGHT, reader="ann", headers=reader)
    guess(keyed, path, WRONG, reader="eve", headers=reader)
    keyed.post(f"{path}/reveal", json={"reader": "bob"}, headers=reader)
    assert seen(reader="ann") == seen(reader="bob") == {"answer", "summary", "provenance"}
    assert seen(reader="eve") == seen(reader="") == seen() == set()
    guess(keyed, path, RIGHT, headers=reader)
    assert seen() == {"answer", "summary", "provenance"}


def test_feedback_is_kept_and_its_last_word_counts(live: Live) -> None:
    path = stored(live)
    given = live.post(
        f"{path}/feedback", json={"rating": 1, "comment": " Lovely.\x1b[2J\r\n\n\n\nMore! ", "reader": "ann"}
    )
    assert given.status_code == 201
    FeedbackOut.model_validate_json(given.content, strict=False)
    assert given.json()["comment"] == "Lovely.[2J\n\nMore!"
    assert path.endswith(given.json()["riddle_id"])
    live.post(f"{path}/feedback", json={"rating": -1})
    changed = live.post(f"{path}/feedback", json={"rating": -1, "comment": "\u200b", "reader": "ann"}).json()
    assert (changed["id"], changed["comment"]) == (given.json()["id"], None)
    listed = live.get(f"{path}/feedback")
    FeedbackPage.model_validate_json(listed.content, strict=False)
    assert {name: listed.json()[name] for name in ("up", "down", "solved_by")} == {"up": 0, "down": 2, "solved_by": 0}
    assert [one["rating"] for one in listed.json()["items"]] == [-1, -1]


@pytest.mark.parametrize("call", ["guesses", "reveal", "feedback"])
def test_a_riddle_that_waits_for_review_is_not_played(live: Live, call: str) -> None:
    bodies = {"guesses": {"guess": RIGHT}, "reveal": {}, "feedback": {"rating": 1}}
    for riddle in (ferry(status="needs_review"), ferry(status="needs_review", answer=None, riddle=None, hints=())):
        refused = live.post(f"{stored(live, riddle)}/{call}", json=bodies[call])
        assert assert_problem(refused, 409).type == "urn:riddlewire:problem:not-published"
        assert ANSWER not in refused.text


@pytest.mark.parametrize("call", ["guesses", "reveal", "feedback"])
def test_another_tenants_riddle_does_not_exist(keyed: Live, call: str) -> None:
    bodies = {"guesses": {"guess": RIGHT}, "reveal": {}, "feedback": {"rating": 1}}
    path = stored(keyed, tenant="a")
    assert keyed.post(f"{path}/{call}", json=bodies[call], headers=tenants_key(keyed, "reader", "a")).is_success
    for headers in (tenants_key(keyed, "reader", "b"), tenants_key(keyed, "admin", "b")):
        assert_problem(keyed.post(f"{path}/{call}", json=bodies[call], headers=headers), 404)
    assert_problem(keyed.post(f"/v1/riddles/rid_nope/{call}", json=bodies[call], headers=keyed.key("reader")), 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"guess": ""},
        {"guess": " \u200b\n"},
        {"guess": "a\x00b"},
        {"guess": 5},
        {"guess": ["a"]},
        {"guess": "x" * 201},
        {"guess": "x" * 10_000},
        {"guess": "x", "reader": ""},
        {"guess": "x", "reader": "r" * 201},
        {"guess": "x", "reader": "a\x00"},
        {"guess": "x", "answer": "y"},
    ],
)
def test_what_is_no_guess_is_refused(live: Live, body: dict[str, Any]) -> None:
    assert_problem(live.post(f"{stored(live)}/guesses", json=body), 422)


@pytest.mark.parametrize(
    "text", ["🔥🔥", "\u202eyrref", "a\u0301" * 60, "😀" * 200, "'; DROP TABLE guesses; --", "{{answer}}"]
)
def test_strange_guesses_are_judged_like_others(live: Live, text: str) -> None:
    response = guess(live, stored(live), text)
    assert response.status_code == 200
    assert response.json()["correct"] is False


@pytest.mark.parametrize(
    "body", [{}, {"rating": 0}, {"rating": 2}, {"rating": True}, {"rating": 1, "comment": "x" * 2001}]
)
def test_what_is_no_feedback_is_refused(live: Live, body: dict[str, Any]) -> None:
    assert_problem(live.post(f"{stored(live)}/feedback", json=body), 422)
