from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

from service.storage.batches import BatchRepository
from service.storage.engine import open_engine
from service.storage.feed_tables import feed_entries
from service.storage.migrate import HEAD, DatabaseUnreachable, NewerDatabase, alembic_config, current_revision, migrate
from service.storage.tables import idempotency, metadata


def test_the_migrated_schema_is_the_one_the_tables_declare(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_every_table_is_made(engine: Engine) -> None:
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_head_is_the_newest_migration(engine: Engine) -> None:
    with engine.connect() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_heads() == [HEAD]
    assert current_revision(engine) == HEAD


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)

    assert current_revision(engine) == HEAD


def test_an_entry_of_a_feed_from_before_listings_were_noted_counts_as_listed_at_the_upgrade(database_url: str) -> None:
    """So that none is forgotten, and riddled again, that its feed still lists."""
    engine = open_engine(database_url)
    long_ago = "2020-01-01 00:00:00"
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0006")
        connection.execute(
            text(
                "INSERT INTO feeds (id, created_at, by_operator, kind, arguments, timezone, host, failures) "
                f"VALUES ('feed_1', '{long_ago}', :false, 'rss', '{{}}', 'UTC', '', 0)"
            ),
            {"false": False},
        )
        connection.execute(
            text(
                "INSERT INTO feed_entries (id, feed_id, pipeline, key, scope, first_seen, outcome, tries, sketch_size) "
                f"VALUES ('ent_1', 'feed_1', 'p', 'k', '', '{long_ago}', 'skipped', 0, 0)"
            )
        )
    migrate(engine)
    with engine.connect() as connection:
        (listed_at,) = connection.execute(select(feed_entries.c.listed_at)).scalars()
    engine.dispose()
    assert datetime.now(UTC) - listed_at < timedelta(minutes=5)


def test_a_kept_answer_of_a_batch_from_before_answers_knew_theirs_is_kept_as_long_as_others(database_url: str) -> None:
    engine = open_engine(database_url)
    columns = "owner, key, body_hash, token, status, headers, expires_at"
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0007")
        for key, location in (("b", "/v1/batches/bat_1"), ("r", "/v1/riddles/rid_1")):
            headers = f'{{"Location": "{location}"}}'
            connection.execute(
                text(f"INSERT INTO idempotency ({columns}) VALUES ('me', :key, 'h', 't', 202, :headers, :now)"),
                {"key": key, "headers": headers, "now": "2026-03-01 00:00:00"},
            )
    migrate(engine)
    with engine.connect() as connection:
        found = {row.key: row.batch_id for row in connection.execute(select(idempotency)).all()}
    engine.dispose()
    assert found == {"b": "bat_1", "r": None}


def test_batches_from_before_ends_were_counted_are_counted_at_the_upgrade(database_url: str) -> None:
    engine = open_engine(database_url)
    long_ago = "2020-01-01 00:00:00"
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0007")
        run = connection.exec_driver_sql
        run(f"INSERT INTO articles (id, created_at, text) VALUES ('art_1', '{long_ago}', 't')")
        run(
            "INSERT INTO batches (id, created_at, pipeline, total, open_items) "
            f"VALUES ('bat_1', '{long_ago}', 'p', 5, 1), ('bat_2', '{long_ago}', 'p', 1, 0)"
        )
        for number, status in enumerate(("published", "failed", "queued")):
            run(
                "INSERT INTO jobs (id, created_at, dedup_key, article_id, pipeline, priority, status, starts, fence) "
                f"VALUES ('job_{number}', '{long_ago}', 'k', 'art_1', 'p', 10, '{status}', 0, 0)"
            )
        items = [("bat_1", 0, 0), ("bat_1", 1, 0), ("bat_1", 2, 1), ("bat_1", 3, 2), ("bat_2", 0, 0)]
        for batch, index, job in items:
            run(f"INSERT INTO batch_items (batch_id, \"index\", job_id) VALUES ('{batch}', {index}, 'job_{job}')")
        run("INSERT INTO batch_items (batch_id, \"index\", job_id, cancelled) VALUES ('bat_1', 4, 'job_2', '1')")
    migrate(engine)
    repository = BatchRepository(engine)
    counted = repository.get("bat_1").counts.by_status
    other = repository.get("bat_2").counts.by_status
    engine.dispose()
    assert counted == {"published": 2, "failed": 1, "queued": 1, "cancelled": 1}
    assert other == {"published": 1}


def test_processes_that_start_together_do_not_disturb_each_other(database_url: str) -> None:
    engines = [open_engine(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, engines))

    assert {current_revision(engine) for engine in engines} == {HEAD}
    for engine in engines:
        engine.dispose()


def test_a_schema_that_is_right_does_not_import_alembic(database_url: str) -> None:
    program = (
        "import sys; from service.storage.engine import open_engine; from service.storage.migrate import migrate; "
        f"migrate(open_engine({database_url!r})); print('alembic' in sys.modules)"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    )
    assert (first, second) == ("True", "False")


def test_a_database_of_a_later_version_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(NewerDatabase, match=r"'9999'.*update Riddlewire"):
        migrate(engine)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    engine = open_engine("postgresql://me:hunter2@127.0.0.1:9/news")

    with pytest.raises(DatabaseUnreachable, match="RIDDLEWIRE_DATABASE_URL") as caught:
        migrate(engine)
    assert "hunter2" not in str(caught.value)
