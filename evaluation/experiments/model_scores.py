"""Scores that a chat model gives: asked once, kept as soon as they are there, and read back with the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from domain import Usage
from domain.article import content_hash
from evaluation.codec import scores_from_json, scores_to_json
from evaluation.experiments.plan import Key, key_of
from evaluation.experiments.working import work_through
from evaluation.metric import Score

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from chains.models import ChatModels
    from evaluation.evaluators import Asker, Pool
    from evaluation.experiments.budget import Budget
    from evaluation.experiments.folder import Experiment
    from evaluation.manifest import Manifest
    from evaluation.outcome import Outcome

PREFERENCE = "judge_preference"
_IN_PROCESS = frozenset({"embedded", "transformers", "scripted"})
_MAX_TOKENS = 2_000
"""Room for services' models to think in, as most do before they answer."""

Subjects = tuple[tuple[Key, str], ...]
"""One outcome or a pair: the run's key, and a hash of what was scored, so that a run done again is asked again."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask a model.

    Args:
        evaluator: Prompt, version and model.
        subjects: About what.
        ask: Asks it with this asker.
        model: Which model.
    """

    evaluator: str
    subjects: Subjects
    ask: Callable[[Asker], Awaitable[dict[str, Score]]]
    model: str

    @property
    def id(self) -> tuple[str, Subjects]:
        """What it is known by."""
        return self.evaluator, self.subjects


def questions(manifest: Manifest, models: ChatModels, pool: Pool, outcomes: Sequence[Outcome]) -> list[Question]:
    """All that solver and judge are to be asked: the solver and entailment about each outcome, the judge about pairs.

    The judge compares every two pipelines, the human riddles among them, on each case's first run.
    """
    from evaluation.evaluators import Entailment, Judge, ModelSolver

    asked: list[Question] = []
    if manifest.solver is not None:
        name = ModelSolver(asker=_asker(models, manifest.solver)).name
        asked += [Question(name, (subject(one),), partial(_solved, one, pool), manifest.solver) for one in outcomes]
    if manifest.judge is not None:
        asker = _asker(models, manifest.judge)
        name = Entailment(asker=asker).name
        asked += [Question(name, (subject(one),), partial(_entailed, one, pool), manifest.judge) for one in outcomes]
        name = Judge(asker=asker).name
        asked += [
            Question(name, (subject(one), subject(other)), partial(_preferred, one, other, pool), manifest.judge)
            for one, other in _pairs(outcomes)
        ]
    return asked


class ModelScorer:
    """Asks what has not been asked yet. Hold the experiment's lock while it works.

    Args:
        experiment: It has begun.
        models: What answers.
        budget: What answers may cost together with the experiment's runs.
        watch: Told how many of how many are answered.
    """

    def __init__(
        self,
        experiment: Experiment,
        models: ChatModels,
        budget: Budget,
        watch: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self._experiment = experiment
        self._models = models
        self._budget = budget
        self._watch = watch
        self._done = 0
        self._total = 0

    async def run(self, pool: Pool, outcomes: Sequence[Outcome]) -> int:
        """Ask, and say how many answers are still missing: more than 0 when the budget is spent.

        Raises:
            ConfigurationError: A model cannot be opened.
        """
        manifest = self._experiment.manifest()
        known = {(values["evaluator"], _subjects(values)) for values in _lines(self._experiment)}
        asked = questions(manifest, self._models, pool, outcomes)
        missing = [question for question in asked if question.id not in known]
        self._done, self._total = len(asked) - len(missing), len(asked)
        with self._experiment.model_score_journal:
            self._watch(self._done, self._total)
            await work_through(missing, self._one, manifest.concurrency)
        return self._total - self._done

    async def _one(self, question: Question) -> bool:
        if not self._budget.allows_one():
            return False
        used: list[Usage] = []
        self._budget.started()
        try:
            scores = await question.ask(_asker(self._models, question.model, used.append))
        finally:
            self._budget.ended(sum(used, Usage()) if used else None)
        if used:  # else nothing was asked, or the provider failed: asking again costs nothing or is wanted
            self._experiment.model_score_journal.append(_line(question, scores, sum(used, Usage())))
        self._done += 1
        self._watch(self._done, self._total)
        return True


def spent_on_scores(experiment: Experiment) -> float:
    """What all answers cost so far, as far as prices are known; in US dollars."""
    return sum(values.get("cost_usd") or 0.0 for values in _lines(experiment))


def read_model_scores(experiment: Experiment, outcomes: Iterable[Outcome]) -> dict[Key, dict[str, Score]]:
    """What the manifest's solver and judge said of these outcomes.

    A pipeline's preference on a case is the mean of its points against each of the others.

    Raises:
        InvalidFile: The file is broken.
    """
    found: dict[Key, dict[str, Score]] = defaultdict(dict)
    points: dict[Key, list[Score]] = defaultdict(list)
    for subjects, scores in _current(experiment, outcomes):
        if len(subjects) == 1:
            found[subjects[0][0]].update(scores)
            continue
        first = scores[PREFERENCE]
        points[subjects[0][0]].append(first)
        points[subjects[1][0]].append(Score(None if first.value is None else 1 - first.value, first.reason))
    for key, scored in points.items():
        found[key][PREFERENCE] = _mean(scored)
    return found


def read_preferences(experiment: Experiment, outcomes: Iterable[Outcome]) -> dict[tuple[Key, Key], Score]:
    """The judge's points for the first of each pair: 1 for a win, 0.5 for a tie, 0 for a loss.

    Raises:
        InvalidFile: The file is broken.
    """
    return {
        (subjects[0][0], subjects[1][0]): scores[PREFERENCE]
        for subjects, scores in _current(experiment, outcomes)
        if len(subjects) > 1
    }


def subject(outcome: Outcome) -> tuple[Key, str]:
    """What a score is a score of."""
    riddle = outcome.riddle
    texts = (riddle.riddle or "", riddle.answer or "", riddle.summary or "") if riddle else ()
    return key_of(outcome), content_hash(*texts)[:16]


async def _solved(outcome: Outcome, pool: Pool, asker: Asker) -> dict[str, Score]:
    from evaluation.evaluators import ModelSolver

    return await ModelSolver(asker=asker)(outcome, pool.cases[outcome.case_id], pool)


async def _entailed(outcome: Outcome, pool: Pool, asker: Asker) -> dict[str, Score]:
    from evaluation.evaluators import Entailment

    return await Entailment(asker=asker)(outcome, pool.cases[outcome.case_id], pool)


async def _preferred(one: Outcome, other: Outcome, pool: Pool, asker: Asker) -> dict[str, Score]:
    from evaluation.evaluators import Judge

    preference = await Judge(asker=asker).compare(pool.cases[one.case_id], one, other)
    return {PREFERENCE: preference.score}


def _asker(models: ChatModels, model: str, on_usage: Callable[[Usage], None] | None = None) -> Asker:
    from evaluation.evaluators import Asker
    from prompts import ModelCallSpec

    if model.partition(":")[0] in _IN_PROCESS:
        return Asker(models=models, model=model, on_usage=on_usage)
    settings = ModelCallSpec(max_tokens=_MAX_TOKENS, seed=0)
    return Asker(models=models, model=model, settings=settings, on_usage=on_usage)


def _pairs(outcomes: Iterable[Outcome]) -> Iterator[tuple[Outcome, Outcome]]:
    of_case: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.repeat == 0:
            of_case[outcome.case_id].append(outcome)
    for together in of_case.values():
        yield from combinations(together, 2)


def _current(experiment: Experiment, outcomes: Iterable[Outcome]) -> Iterator[tuple[Subjects, dict[str, Score]]]:
    """What was said by the models of the manifest about these very texts; the later answer counts."""
    manifest = experiment.manifest()
    endings = tuple(f":{model}" for model in (manifest.solver, manifest.judge) if model is not None)
    there = {subject(outcome) for outcome in outcomes}
    latest: dict[tuple[str, Subjects], dict[str, Any]] = {}
    for values in _lines(experiment):
        subjects = _subjects(values)
        if values["evaluator"].endswith(endings) and there.issuperset(subjects):
            latest[values["evaluator"].partition("@")[0], subjects] = values
    for (_, subjects), values in latest.items():
        yield subjects, scores_from_json(values["scores"])


def _lines(experiment: Experiment) -> Iterator[dict[str, Any]]:
    for _, values in experiment.model_score_journal.read():
        yield values


def _line(question: Question, scores: Mapping[str, Score], usage: Usage) -> dict[str, Any]:
    return {
        "evaluator": question.evaluator,
        "subjects": [[*key, digest] for key, digest in question.subjects],
        "scores": scores_to_json(scores),
        "cost_usd": usage.cost_usd,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }


def _subjects(values: Mapping[str, Any]) -> Subjects:
    return tuple((Key(*key), digest) for *key, digest in values["subjects"])


def _mean(scores: Sequence[Score]) -> Score:
    values = [score.value for score in scores if score.value is not None]
    reasons = "; ".join(dict.fromkeys(score.reason for score in scores if score.reason))
    return Score(sum(values) / len(values) if values else None, reasons)
