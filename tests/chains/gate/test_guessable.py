"""Riddles that are about other news as well."""

from __future__ import annotations

import pytest

from chains.gate import Gate
from prompts import GateSpec
from tests.chains.gate.cases import ARTICLE, DRAFT, SUMMARY, judge

RANKING = Gate(GateSpec(checks=("guessable",)))
STRICT = Gate(GateSpec(checks=("guessable",), thresholds={"max_guess_rank": 3}))


def test_no_check_asks_for_the_rank_unless_it_is_named() -> None:
    assert RANKING.asks_rank
    assert not Gate(GateSpec()).asks_rank
    assert "guessable" not in {check.name for check in judge(guess_rank=9).checks}


@pytest.mark.parametrize(("rank", "score"), [(1, 1.0), (2, 0.75), (10, 0.55)])
def test_the_score_falls_with_the_rank_and_alone_refuses_nothing(rank: int, score: float) -> None:
    verdict = RANKING.judge(DRAFT, article=ARTICLE, summary=SUMMARY, guess_rank=rank)
    assert (verdict.passed, verdict.score) == (True, score)


def test_a_limit_refuses_what_is_beyond_it() -> None:
    assert STRICT.judge(DRAFT, article=ARTICLE, summary=SUMMARY, guess_rank=3).passed
    refused = STRICT.judge(DRAFT, article=ARTICLE, summary=SUMMARY, guess_rank=4)
    assert refused.reasons == ("The riddle could as well be about other news.",)


def test_a_rank_that_nobody_worked_out_refuses_nothing() -> None:
    assert STRICT.judge(DRAFT, article=ARTICLE, summary=SUMMARY).passed
