from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.cli.exits import Exit
from service.storage.engine import open_engine
from service.storage.migrate import migrate
from service.storage.promotions import PromotionStore
from service.storage.riddles import RiddleRepository
from tests.service.storage.test_promotions import a_promotion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from domain import Example
    from tests.service.cli.running import Cli


@pytest.fixture
def engine(cli: Cli) -> Iterator[Engine]:
    """The database of the command's data folder."""
    cli.home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(f"sqlite:///{cli.home / 'riddlewire.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def waiting(engine: Engine) -> Example:
    """The example that a promoted riddle is to become."""
    kept = PromotionStore(engine).propose(a_promotion(engine, 7)).example
    assert kept is not None
    return kept


def test_what_waits_is_shown_whole_and_found_by_no_search(cli: Cli, waiting: Example) -> None:
    ended = cli("examples", "pending")
    assert ended.code == Exit.OK
    for text in (waiting.id, waiting.summary, waiting.answer, waiting.riddle.splitlines()[0], *waiting.hints):
        assert text in ended.out
    listed = cli("examples", "pending", "--json").json
    assert [(one["id"], one["status"]) for one in listed] == [(waiting.id, "pending")]
    assert waiting.id not in cli("examples", "list", "--limit", "0").out
    assert waiting.id not in cli("examples", "export").out


def test_an_approved_one_is_an_example(cli: Cli, waiting: Example) -> None:
    ended = cli("examples", "approve", waiting.id)
    assert ended.code == Exit.OK, ended.err
    assert waiting.id in cli("examples", "list").out
    assert cli("examples", "pending").out == ""
    assert cli("examples", "approve", waiting.id).code == Exit.OK  # again changes nothing
    assert cli("examples", "reject", waiting.id).code == Exit.FAILED


def test_a_rejected_one_is_gone_and_its_riddle_stays(cli: Cli, waiting: Example, engine: Engine) -> None:
    assert cli("examples", "reject", waiting.id).code == Exit.OK
    assert cli("examples", "pending", "--json").json == []
    assert waiting.id not in cli("examples", "list", "--limit", "0").out
    assert len(RiddleRepository(engine).list().items) == 1


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_an_id_that_does_not_wait_is_not_found(cli: Cli, command: str) -> None:
    ended = cli("examples", command, "ex_nope")
    assert ended.code == Exit.FAILED
    assert "ex_nope" in ended.err


def test_the_judge_of_guesses_is_measured(cli: Cli) -> None:
    measured = cli("eval", "guesses", "--json").json
    assert measured["ships"] is True
    assert measured["parts"]["test"]["solving_accuracy"] > 0.85
    shown = cli("eval", "guesses").out
    assert "This is the calibration in use." in shown
    assert "labelled near" in shown
