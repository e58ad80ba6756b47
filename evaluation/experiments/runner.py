"""The runner: every pipeline over every case, each outcome kept as soon as it is there."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError, NotFound, RiddlewireError
from domain.events import ExamplesSelected
from evaluation.codec import outcome_to_json
from evaluation.experiments.budget import Budget
from evaluation.experiments.plan import runs_of, seed_of
from evaluation.experiments.working import work_through
from evaluation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chains.models import ChatModels
    from chains.pipeline import RiddlePipeline
    from domain.events import PipelineEvent, ShownExample
    from evaluation.case import Case
    from evaluation.experiments.folder import Experiment
    from evaluation.experiments.plan import Key
    from evaluation.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far an experiment has come.

    Args:
        pipeline: Which one is running.
        done: Outcomes there are, those of earlier runs included.
        total: Outcomes there will be.
        failed: Of those done.
        cost_usd: Of all whose cost is known, answers of solver and judge among them.
        unpriced: Outcomes that called models and whose cost is not known.
    """

    pipeline: str
    done: int
    total: int
    failed: int
    cost_usd: float
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run of the runner ended.

    Args:
        made: Outcomes made now.
        left: Runs that are still to be done; 0 when the experiment is complete.
        out_of_budget: Whether it stopped because of the budget.
        failures: Why pipelines ended before their cases did, by name.
    """

    made: int
    left: int
    out_of_budget: bool
    failures: Mapping[str, str]


class Runner:
    """Runs what an experiment lacks. Hold the experiment's lock while it works.

    A provider that fails is an outcome with an error. A configuration error ends its pipeline and not the others.
    Anything else comes out; what is on the disk by then is not made again.

    Args:
        experiment: It has begun.
        pipelines: By name, over examples that the experiment allows.
        models: The same that the pipelines call, to warm them up.
        budget: What runs may cost together.
        retry_failed: Do the runs again that failed before.
        watch: Told how far it has come, first before anything is run.
    """

    def __init__(
        self,
        experiment: Experiment,
        pipelines: Mapping[str, RiddlePipeline],
        models: ChatModels,
        *,
        budget: Budget | None = None,
        retry_failed: bool = False,
        watch: Callable[[Standing], None] = lambda _standing: None,
    ) -> None:
        self._experiment = experiment
        self._pipelines = pipelines
        self._models = models
        self._watch = watch
        self._manifest = experiment.manifest()
        self._cases = experiment.cases()
        self._outcomes = {
            key: outcome for key, outcome in experiment.outcomes().items() if not (retry_failed and outcome.error)
        }
        self._runs = runs_of(self._manifest, without=self._outcomes.keys())
        self._budget = budget or Budget()
        self._made = 0
        self._failures: dict[str, str] = {}
        self._counted: Counter[str] = sum(map(_counts, self._outcomes.values()), Counter())
        self._budget.spent_usd += sum(_cost(outcome) or 0.0 for outcome in self._outcomes.values())

    async def run(self) -> Ran:
        """Run until all is done, the budget is spent or something goes wrong that is no provider's failure."""
        with self._experiment.outcome_journal:
            for name in dict.fromkeys(key.pipeline for key in self._runs):
                self._tell(name)
                if self._budget.allows_one():
                    await self._run_pipeline(name)
        return Ran(
            made=self._made,
            left=len(runs_of(self._manifest, without=self._outcomes.keys())),
            out_of_budget=not self._budget.allows_one(),
            failures=self._failures,
        )

    async def _run_pipeline(self, name: str) -> None:
        runs = [key for key in self._runs if key.pipeline == name]
        record = next(record for record in self._manifest.pipelines if record.name == name)
        try:
            for model in record.models:
                await self._models.warm_up(model)  # its start would count as the first case's latency
            await work_through(runs, self._one, self._manifest.concurrency)
        except (ConfigurationError, NotFound) as error:
            self._failures[name] = str(error)

    async def _one(self, key: Key) -> bool:
        if not self._budget.allows_one():
            return False
        self._budget.started()
        usage = None
        try:
            outcome = await self._outcome(key, self._cases[key.case_id])
            usage = outcome.riddle.usage if outcome.riddle else None
        finally:
            self._budget.ended(usage)
        self._experiment.outcome_journal.append(outcome_to_json(outcome))
        self._outcomes[key] = outcome
        self._counted += _counts(outcome)
        self._made += 1
        self._tell(key.pipeline)
        return True

    async def _outcome(self, key: Key, case: Case) -> Outcome:
        selected: tuple[ShownExample, ...] = ()

        async def listen(event: PipelineEvent) -> None:
            nonlocal selected
            if isinstance(event, ExamplesSelected):
                selected = event.examples

        seed = seed_of(self._manifest.seed, key.case_id, key.repeat)
        riddle, error = None, ""
        began = time.perf_counter()
        try:
            riddle = await self._pipelines[key.pipeline].ainvoke(case.article, seed=seed, emit=listen)
        except (ConfigurationError, NotFound):
            raise
        except RiddlewireError as failure:
            error = f"{type(failure).__name__}: {failure}"
        return Outcome(
            case_id=key.case_id,
            pipeline=key.pipeline,
            repeat=key.repeat,
            seed=seed,
            riddle=riddle,
            error=error,
            selected=selected,
            latency_ms=(time.perf_counter() - began) * 1000,
        )

    def _tell(self, pipeline: str) -> None:
        counted = self._counted
        self._watch(
            Standing(
                pipeline=pipeline,
                done=counted["done"],
                total=_total(self._manifest),
                failed=counted["failed"],
                cost_usd=self._budget.spent_usd,
                unpriced=counted["unpriced"],
            )
        )


def _counts(outcome: Outcome) -> Counter[str]:
    unpriced = outcome.riddle is not None and _cost(outcome) is None
    return Counter(done=1, failed=int(bool(outcome.error)), unpriced=int(unpriced))


def _cost(outcome: Outcome) -> float | None:
    return outcome.riddle.usage.cost_usd if outcome.riddle else None


def _total(manifest: Manifest) -> int:
    return len(manifest.pipelines) * len(manifest.dataset.case_ids) * manifest.repeats
