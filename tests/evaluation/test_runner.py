from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from domain.errors import MissingApiKey, ProviderTimedOut
from evaluation.experiments import Key, Standing, runs_of, seed_of
from tests.evaluation.lab import Lab, a_case

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


async def test_every_pipeline_runs_over_every_case_as_often_as_asked(tmp_path: Path) -> None:
    lab = Lab(tmp_path, repeats=2)
    lab.begin()
    ran = await lab.run()
    assert (ran.made, ran.left, ran.failures) == (12, 0, {})
    wanted = {Key(name, a_case(n).id, repeat) for name in ("one", "two") for n in range(3) for repeat in range(2)}
    assert set(lab.experiment.outcomes()) == wanted
    assert (lab.told[0].done, lab.told[-1].done, lab.told[-1].total) == (0, 12, 12)


async def test_outcomes_hold_riddle_seed_and_what_was_shown(lab: Lab) -> None:
    experiment = lab.begin()
    await lab.run()
    for key, outcome in experiment.outcomes().items():
        assert outcome.riddle is not None
        assert outcome.riddle.answer == "thick fog"
        assert outcome.riddle.article == experiment.cases()[key.case_id].article
        assert outcome.seed == seed_of(0, key.case_id, 0)
        assert len(outcome.selected) == 2
        assert {shown.id for shown in outcome.selected} <= set(experiment.manifest().pool.example_ids)
        assert outcome.latency_ms > 0
    seeds = {call.settings.get("seed") for call in lab.scripts["one"].calls}
    assert seeds == {seed_of(0, a_case(n).id, 0) for n in range(3)}
    assert seeds == {call.settings.get("seed") for call in lab.scripts["two"].calls}


def test_seeds_differ_by_case_repeat_and_base_and_fit_32_bits() -> None:
    seeds = {seed_of(base, f"case_{n}", repeat) for base in (0, 1) for n in range(50) for repeat in range(3)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**31 for seed in seeds)


async def test_a_second_run_calls_nothing(lab: Lab) -> None:
    lab.begin()
    await lab.run()
    calls = lab.calls
    lab.begin()
    ran = await lab.run()
    assert (ran.made, ran.left) == (0, 0)
    assert lab.calls == calls


async def test_a_torn_outcome_is_made_again_and_no_other(lab: Lab) -> None:
    experiment = lab.begin()
    await lab.run()
    path = experiment.outcome_journal.path
    path.write_bytes(path.read_bytes()[:-20])
    calls = lab.calls
    assert (await lab.run()).made == 1
    assert lab.calls == calls + 1
    assert len(path.read_text(encoding="utf-8").splitlines()) == 6
    assert len(experiment.outcomes()) == 6


async def test_a_provider_that_fails_is_an_outcome_and_is_not_asked_again_unless_told(lab: Lab) -> None:
    experiment = lab.begin()
    lab.scripts["one"].enqueue(ProviderTimedOut("scripted", "too slow"))
    await lab.run()
    failed = [outcome for outcome in experiment.outcomes().values() if outcome.error]
    assert len(failed) == 1
    assert failed[0].riddle is None
    assert failed[0].error.startswith("ProviderTimedOut: model provider 'scripted' timed out")
    assert lab.told[-1].failed == 1
    assert (await lab.run()).made == 0
    assert (await lab.run(retry_failed=True)).made == 1
    assert not any(outcome.error for outcome in experiment.outcomes().values())


async def test_a_configuration_error_ends_its_pipeline_and_not_the_others(lab: Lab) -> None:
    experiment = lab.begin()
    lab.scripts["one"].always = MissingApiKey("scripted", "SCRIPTED_KEY")
    ran = await lab.run()
    assert ran.left == 3
    assert "SCRIPTED_KEY" in ran.failures["one"]
    assert {key.pipeline for key in experiment.outcomes()} == {"two"}


class _Breaking(list[Standing]):
    def append(self, standing: Standing) -> None:
        super().append(standing)
        if standing.done == 2:
            raise ZeroDivisionError("a bug")


async def test_anything_else_comes_out_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    lab = Lab(tmp_path, concurrency=1, told=_Breaking())
    experiment = lab.begin()
    with pytest.raises(ZeroDivisionError):
        await lab.run()
    assert len(experiment.outcomes()) == 2


async def test_no_more_run_at_once_than_asked_and_pipelines_one_after_another(tmp_path: Path) -> None:
    lab = Lab(tmp_path, cases=6, concurrency=3)
    lab.begin()
    lab.scripts["one"].delay_s = 0.02
    order = asyncio.create_task(lab.run())
    while not order.done():
        assert len(lab.scripts["one"].calls) - lab.told_of("one") <= 3
        await asyncio.sleep(0.002)
    await order
    written = [json.loads(line)["pipeline"] for line in lab.experiment.outcome_journal.path.read_text().splitlines()]
    assert written == ["one"] * 6 + ["two"] * 6


async def test_being_cancelled_keeps_what_is_finished(tmp_path: Path) -> None:
    lab = Lab(tmp_path, cases=6, concurrency=1)
    experiment = lab.begin()
    lab.scripts["one"].delay_s = 0.05
    running = asyncio.create_task(lab.run())
    while not experiment.outcomes():  # noqa: ASYNC110  # the file is what tells
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    made = len(experiment.outcomes())
    assert 1 <= made < 6
    assert (await lab.run()).made == 12 - made


def test_runs_that_are_done_are_not_planned(lab: Lab) -> None:
    manifest = lab.begin().manifest()
    everything = runs_of(manifest)
    assert len(everything) == 6
    assert [key.pipeline for key in everything] == ["one"] * 3 + ["two"] * 3
    assert runs_of(manifest, without=set(everything[:5])) == everything[5:]
