from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidFile
from evaluation.codec import case_from_json, case_to_json, outcome_from_json, outcome_to_json
from evaluation.experiments.journal import Journal, write_whole
from tests.evaluation.lab import a_case, an_outcome
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def _values(path: Path) -> list[object]:
    return [values for _, values in Journal(path).read()]


def test_a_line_is_on_the_disk_when_append_returns(path: Path) -> None:
    with Journal(path) as journal:
        journal.append({"a": "fog\nsnow \ud800"})
        assert path.read_bytes().count(b"\n") == 1
        assert len(_values(path)) == 1


@pytest.mark.parametrize("torn", [b'{"b": 2', b'{"b": 2}', b"\xff" * 100_000])
def test_a_torn_last_line_is_passed_over_and_cut_off(path: Path, torn: bytes) -> None:
    path.write_bytes(b'{"a": 1}\n' + torn)
    assert _values(path) == [{"a": 1}]
    with Journal(path) as journal:
        journal.append({"c": 3})
    assert path.read_bytes() == b'{"a": 1}\n{"c": 3}\n'


def test_a_file_of_nothing_but_a_torn_line_begins_anew(path: Path) -> None:
    path.write_bytes(b'{"a"')
    with Journal(path) as journal:
        journal.append({"c": 3})
    assert _values(path) == [{"c": 3}]


def test_a_broken_line_before_the_last_is_told_with_its_number(path: Path) -> None:
    path.write_bytes(b'{"a": 1}\nnothing\n{"c": 3}\n')
    with pytest.raises(InvalidFile, match=r"journal\.jsonl:2: is no JSON object"):
        _values(path)


def test_a_journal_that_was_never_written_is_empty(path: Path) -> None:
    assert _values(path) == []
    with Journal(path):
        pass
    assert _values(path) == []


def test_a_file_is_replaced_as_a_whole(path: Path) -> None:
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_outcomes_and_cases_come_back_as_they_were() -> None:
    case = a_case(3)
    assert case_from_json(case_to_json(case)) == case
    dated = a_case(4, article=a_riddle().article)
    assert case_from_json(case_to_json(dated)) == dated
    outcome = an_outcome(3, cost=0.5)
    assert outcome_from_json(outcome_to_json(outcome), case) == outcome
    assert case.article.text not in str(outcome_to_json(outcome))
