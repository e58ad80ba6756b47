from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from domain import Article, Check
from domain.errors import NotFound
from service.storage.page import InvalidCursor, decode_cursor, encode_cursor
from service.storage.riddles import RiddleFilter, RiddleRepository
from service.storage.scope import OfKey, OfTenant
from service.storage.tables import articles, riddles
from tests.support.riddles import a_riddle

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.fixture
def repository(engine: Engine) -> RiddleRepository:
    return RiddleRepository(engine)


def ids(repository: RiddleRepository, **filters: Any) -> list[str]:
    return [item.id for item in repository.list(RiddleFilter(**filters)).items]


def test_what_was_saved_comes_back_equal_field_by_field(repository: RiddleRepository) -> None:
    stored = repository.save(a_riddle(), key_id="k1", tenant="desk")

    assert repository.get(stored.id) == stored
    assert stored.riddle == a_riddle()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts, hint=texts)
def test_any_text_survives_the_database(repository: RiddleRepository, text: str, hint: str) -> None:
    riddle = a_riddle(riddle=text, summary=text, hints=(hint,), checks=(Check(name="form", passed=False, detail=text),))

    assert repository.get(repository.save(riddle).id).riddle == riddle


def test_an_article_keeps_its_id_whatever_zone_it_was_published_in(repository: RiddleRepository) -> None:
    published = datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    riddle = a_riddle(article=Article(text="News.", published_at=published))

    assert repository.get(repository.save(riddle).id).riddle.article.id == riddle.article.id


def test_a_riddle_without_a_draft_is_kept_too(repository: RiddleRepository) -> None:
    riddle = a_riddle(status="needs_review", summary=None, riddle=None, answer=None, hints=(), steps=(), checks=())

    assert repository.get(repository.save(riddle).id).riddle == riddle


def test_what_postgresql_cannot_hold_becomes_a_replacement_character(repository: RiddleRepository) -> None:
    stored = repository.save(a_riddle(riddle="a\x00b\ud800c", hints=("\x00",)))

    assert repository.get(stored.id).riddle.riddle == "a\ufffdb\ufffdc"
    assert stored.riddle.hints == ("\ufffd",)


def test_two_riddles_of_one_article_share_its_row(repository: RiddleRepository, engine: Engine) -> None:
    repository.save(a_riddle())
    repository.save(a_riddle(pipeline="zero-shot"))

    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(articles)).scalar() == 1
        assert connection.execute(select(func.count()).select_from(riddles)).scalar() == 2


def test_an_unknown_id_is_not_found(repository: RiddleRepository) -> None:
    with pytest.raises(NotFound, match="rid_nope"):
        repository.get("rid_nope")


def test_a_tenant_sees_its_own_and_everybodys_but_no_other_tenants(repository: RiddleRepository) -> None:
    own = repository.save(a_riddle(1), tenant="a")
    shared = repository.save(a_riddle(2))
    other = repository.save(a_riddle(3), tenant="b")

    assert ids(repository, scope=OfTenant("a")) == [shared.id, own.id]
    assert repository.get(own.id, scope=OfTenant("a")) == own
    assert ids(repository, scope=OfKey("k1")) == [shared.id]
    assert ids(repository) == [other.id, shared.id, own.id]
    with pytest.raises(NotFound):
        repository.get(other.id, scope=OfTenant("a"))


def test_the_list_is_newest_first_and_pages_cover_it_exactly(repository: RiddleRepository) -> None:
    made = [repository.save(a_riddle(number)).id for number in range(7)]

    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = repository.list(limit=3, cursor=cursor)
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]


def test_riddles_made_meanwhile_do_not_shift_the_next_page(repository: RiddleRepository) -> None:
    made = [repository.save(a_riddle(number)).id for number in range(4)]
    first = repository.list(limit=2)
    repository.save(a_riddle(9))

    second = repository.list(limit=2, cursor=first.next_cursor)

    assert [item.id for item in second.items] == [made[1], made[0]]
    assert second.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "***", "é", "a", "cmlk\n", "/w=="])
def test_a_cursor_we_did_not_give_out_is_refused_or_harmless(repository: RiddleRepository, cursor: str) -> None:
    try:
        assert repository.list(cursor=cursor).items == ()
    except InvalidCursor as error:
        assert "next_cursor" in str(error)  # noqa: PT017 -- both outcomes are right


@given(st.text(st.characters(max_codepoint=127)))
def test_cursors_round_trip(position: str) -> None:
    assert decode_cursor(encode_cursor(position)) == position


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"source": "BBC"}, 1),
        ({"source": "bbc"}, 0),
        ({"pipeline": "openai"}, 1),
        ({"status": "needs_review"}, 1),
        ({"day": "1999-01-01"}, 0),
        ({"source": "BBC", "pipeline": "openai"}, 0),
        ({}, 4),
    ],
)
def test_filters_restrict_and_combine(repository: RiddleRepository, filters: dict[str, str], expected: int) -> None:
    repository.save(a_riddle(1))
    repository.save(a_riddle(2, pipeline="openai"))
    repository.save(a_riddle(3, status="needs_review"))
    repository.save(a_riddle(4, article=replace(a_riddle().article, source="BBC")))

    assert len(ids(repository, **filters)) == expected


def test_the_day_of_a_riddle_is_its_utc_date(repository: RiddleRepository) -> None:
    stored = repository.save(a_riddle())

    assert ids(repository, day=stored.created_at.strftime("%Y-%m-%d")) == [stored.id]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ferry 1", True),
        ("SAND", True),
        ("carried me.\nWhat", True),
        ("ÖLPREIS", True),
        ("ölpreis", True),
        ("%", False),
        ("_", False),
        ("\\", False),
        ("/", False),
        ("grounded boat", False),  # the answer is not searched: a search must not give it away
    ],
)
def test_search_finds_text_in_any_case_and_takes_wildcards_literally(
    repository: RiddleRepository, query: str, *, found: bool
) -> None:
    stored = repository.save(a_riddle(1, summary="Der Ölpreis fiel."))

    assert ids(repository, q=query) == ([stored.id] if found else [])


def test_more_work_in_the_same_transaction_is_undone_together(repository: RiddleRepository) -> None:
    def fail(*_: object) -> None:
        raise KeyError("the answer could not be kept")

    with pytest.raises(KeyError):
        repository.save(a_riddle(), also=fail)
    assert repository.list().items == ()
