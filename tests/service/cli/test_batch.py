from __future__ import annotations

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from service.cli.exits import Exit
from service.storage.engine import open_engine
from service.storage.tables import batches, idempotency, jobs
from tests.service.cli.running import Cli
from tests.service.jobs.lab import Calls, articles, mark, reply
from tests.support.openai_stub import Behaviour, OpenAIStub
from tests.support.program import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def provider() -> Iterator[OpenAIStub]:
    with OpenAIStub(reply=reply) as stub:
        yield stub


@pytest.fixture
def cli(tmp_path: Path, provider: OpenAIStub) -> Cli:
    env = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": provider.url,
        "RIDDLEWIRE_PIPELINE": "openai",
        "RIDDLEWIRE_CACHE_ENABLED": "false",
    }
    return Cli(tmp_path / "home", env)


@pytest.fixture
def on_each(cli: Cli, database_url: str) -> Cli:
    """The command on either database."""
    cli.env.update({"RIDDLEWIRE_DATABASE_URL": database_url, "RIDDLEWIRE_JOBS_DEAD_AFTER_S": "2"})
    return cli


def lines(count: int, first: int = 1000) -> str:
    return "".join(json.dumps(article) + "\n" for article in articles(count, first))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_articles_go_in_and_riddles_come_out_in_their_order(cli: Cli, tmp_path: Path) -> None:
    source, output = tmp_path / "articles.jsonl", tmp_path / "riddles.jsonl"
    source.write_text(lines(6))
    ended = cli.process("batch", str(source), "-o", str(output))
    assert ended.code == Exit.OK, ended.err
    assert "6 articles: " in ended.err
    assert ended.out == ""
    items = [json.loads(line) for line in output.read_text().splitlines()]
    assert [item["index"] for item in items] == list(range(6))
    assert all(item["riddle"]["riddle"] for item in items)


def test_it_can_stand_in_a_pipe(cli: Cli) -> None:
    ended = cli.process("batch", "-", stdin=lines(2))
    assert ended.code == Exit.OK, ended.err
    assert [json.loads(line)["index"] for line in ended.out.splitlines()] == [0, 1]


def test_a_bad_line_is_named_and_nothing_is_done(cli: Cli, provider: OpenAIStub) -> None:
    ended = cli("batch", "-", stdin=lines(1) + '{"text": ""}\n')
    assert ended.code == Exit.INPUT
    assert "line 2 text" in ended.err
    assert not provider.requests
    assert cli("batch", "nowhere.jsonl").code == Exit.FAILED


@pytest.mark.parametrize("target", ["nowhere/riddles.jsonl", "folder", "x" * 250])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_paid_for(
    cli: Cli, provider: OpenAIStub, tmp_path: Path, target: str
) -> None:
    (tmp_path / "folder").mkdir()
    ended = cli("batch", "-", "-o", str(tmp_path / target), stdin=lines(1))
    assert ended.code == Exit.INPUT
    assert f"{target} cannot be written: " in ended.err
    assert ended.err.count("\n") == 1
    assert not provider.requests
    assert not cli.home.exists()


def test_a_folder_is_no_file_of_articles(cli: Cli, tmp_path: Path) -> None:
    ended = cli("batch", str(tmp_path))
    assert ended.code == Exit.INPUT
    assert f"{tmp_path} cannot be read: Is a directory" in ended.err


def test_a_device_is_written_to_and_not_replaced(cli: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_text)
        ended = cli.process("batch", "-", "-o", str(pipe), stdin=lines(1))
        assert ended.code == Exit.OK, ended.err
        assert json.loads(read.result(timeout=60))["index"] == 0
    assert pipe.is_fifo()


def passed(home: Path, time_passed: timedelta) -> None:
    """Let the rows of a stopped program be older by so much."""
    engine = open_engine(f"sqlite:///{home / 'riddlewire.db'}")
    moments = [jobs.c.created_at, jobs.c.finished_at, batches.c.created_at, idempotency.c.expires_at]
    with engine.begin() as connection:
        for column in moments:
            for moment in connection.execute(select(column).where(column.is_not(None)).distinct()).scalars().all():
                earlier = {column.name: moment - time_passed}
                connection.execute(update(column.table).where(column == moment).values(earlier))
    engine.dispose()


@pytest.mark.parametrize("away", [timedelta(0), timedelta(hours=25)], ids=["at once", "a day later"])
def test_killed_and_run_again_it_goes_on_and_pays_for_nothing_twice(
    cli: Cli, provider: OpenAIStub, tmp_path: Path, away: timedelta
) -> None:
    provider.default = Behaviour(delay_s=0.2)
    source, output = tmp_path / "articles.jsonl", tmp_path / "riddles.jsonl"
    source.write_text(lines(30))
    first = cli.start("batch", str(source), "-o", str(output), RIDDLEWIRE_JOBS_CONCURRENCY="4")
    until(lambda: len(provider.requests) >= 20)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not output.exists()
    passed(cli.home, away)
    ended = cli.process("batch", str(source), "-o", str(output), RIDDLEWIRE_JOBS_CONCURRENCY="4")
    assert ended.code == Exit.OK, ended.err
    assert len(output.read_text().splitlines()) == 30
    assert Calls(provider).repeated() <= 4
    asked = len(provider.requests)
    assert cli.process("batch", str(source), "-o", str(output)).code == Exit.OK
    assert len(provider.requests) == asked


def test_a_server_does_it_as_well(cli: Cli, provider: OpenAIStub, tmp_path: Path) -> None:
    output = tmp_path / "riddles.jsonl"
    with running(tmp_path / "served", provider) as service:
        ended = cli.process("batch", "-", "-o", str(output), "--url", service.url, stdin=lines(3))
        assert ended.code == Exit.OK, ended.err
        refused = cli.process("batch", "-", "--url", service.url, "-p", "nobody", stdin=lines(1))
    assert len(output.read_text().splitlines()) == 3
    assert refused.code == Exit.FAILED
    assert "nobody" in refused.err


def test_failed_articles_are_counted_in_the_exit_code(cli: Cli, provider: OpenAIStub) -> None:
    provider.default = Behaviour(status=500)
    ended = cli.process("batch", "-", stdin=lines(1), RIDDLEWIRE_JOBS_PATIENCE_S="0.1")
    assert ended.code == Exit.FAILED
    assert "1 failed" in ended.err
    assert json.loads(ended.out)["error"]["status"] == 502


def test_a_new_batch_leaves_one_alone_that_was_stopped_and_says_how_to_go_on_with_it(
    on_each: Cli, provider: OpenAIStub, tmp_path: Path
) -> None:
    cli = on_each
    provider.default = Behaviour(delay_s=0.2)
    stopped, new = tmp_path / "stopped.jsonl", tmp_path / "new.jsonl"
    stopped.write_text(lines(60))
    new.write_text(lines(1, first=5000))
    with cli.start("batch", str(stopped), RIDDLEWIRE_JOBS_CONCURRENCY="4") as first:
        until(lambda: len(provider.requests) >= 6)
        first.send_signal(signal.SIGKILL)
    provider.default = Behaviour()
    asked = len(provider.requests)
    ended = cli.process("batch", str(new))
    assert ended.code == Exit.OK, ended.err
    assert {mark(request) for request in list(provider.requests)[asked:]} == {"5000"}
    told = re.search(r"(\d+) articles of another batch wait, .*: riddlewire batch (bat_\w+); .* cancel bat_", ended.err)
    assert told is not None, ended.err
    assert int(told[1]) > 40
    rest = cli.process("batch", told[2])
    assert rest.code == Exit.OK, rest.err
    assert "60 articles: " in rest.err
    assert "another batch" not in rest.err
    assert len(rest.out.splitlines()) == 60
    assert Calls(provider).repeated() <= 4


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_says_how_to_go_on_and_nothing_of_its_machinery(
    cli: Cli, provider: OpenAIStub, tmp_path: Path, sign: signal.Signals
) -> None:
    provider.default = Behaviour(delay_s=0.2)
    source = tmp_path / "articles.jsonl"
    source.write_text(lines(60))
    with cli.start("batch", str(source), RIDDLEWIRE_JOBS_CONCURRENCY="4") as process:
        until(lambda: len(provider.requests) >= 6)
        process.send_signal(sign)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (Exit.INTERRUPTED, "")
    first, second = err.splitlines()
    assert first.startswith("Stopping: articles in hand are finished first, for up to 30 s;")
    batch_id = re.search(r"riddlewire batch (bat_\w+)\. .* riddlewire batches cancel \1", second)
    assert batch_id is not None, err
    assert Calls(provider).repeated() == 0
    counts = cli("batches", "list", "--json").json[0]["counts"]
    assert counts["running"] == 0
    assert 0 < counts["queued"] < 60


def test_what_failed_is_run_again_when_asked_and_only_then(cli: Cli, provider: OpenAIStub, tmp_path: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text(lines(2))
    provider.default = Behaviour(status=500)
    failed = cli.process("batch", str(source), RIDDLEWIRE_JOBS_PATIENCE_S="0.1")
    assert failed.code == Exit.FAILED
    assert "The same command with --retry runs those again that failed." in failed.err
    provider.default = Behaviour()
    asked = len(provider.requests)
    assert cli.process("batch", str(source)).code == Exit.FAILED
    assert len(provider.requests) == asked
    again = cli.process("batch", str(source), "--retry")
    assert again.code == Exit.OK, again.err
    made = len(provider.requests)
    assert made > asked
    assert cli.process("batch", str(source), "--retry").code == Exit.OK
    assert len(provider.requests) == made


def test_when_the_days_money_is_spent_it_says_so_and_waits_and_goes_on_with_more_where_it_was(
    cli: Cli, provider: OpenAIStub, tmp_path: Path
) -> None:
    prices, source, output = tmp_path / "prices.yaml", tmp_path / "articles.jsonl", tmp_path / "riddles.jsonl"
    prices.write_text("prices:\n  openai:\n    gpt-5.4-mini: {input: 1000000, output: 1000000}\n")
    source.write_text(lines(3))
    money = {"RIDDLEWIRE_PRICES": str(prices), "RIDDLEWIRE_JOBS_CONCURRENCY": "1"}
    with cli.start("batch", str(source), "-o", str(output), RIDDLEWIRE_BUDGETS_DAILY_USD="0.5", **money) as waiting:
        assert waiting.stderr is not None
        told = next(line for line in waiting.stderr if "budget" in line)
        still_runs = waiting.poll() is None
        waiting.send_signal(signal.SIGINT)
    assert "the daily budget of all calls together is spent; " in told
    assert "T00:00:00Z, or until it is raised" in told
    assert still_runs
    assert waiting.returncode != Exit.OK
    assert not output.exists()
    ended = cli.process("batch", str(source), "-o", str(output), RIDDLEWIRE_BUDGETS_DAILY_USD="1e12", **money)
    assert ended.code == Exit.OK, ended.err
    assert len(output.read_text().splitlines()) == 3
    assert Calls(provider).repeated() == 0
