"""The results: an experiment's outcomes with all their scores, as reports, comparisons and exports read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.case import Case
    from evaluation.manifest import Manifest
    from evaluation.metric import Metric, Score
    from evaluation.outcome import Outcome

REFERENCE = "reference"
"""The name under which the human-written riddles stand beside the pipelines; no pipeline of an experiment has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResults:
    """What one pipeline came to.

    Args:
        pipeline: Its name.
        description: One sentence.
        option: Which of the four ways it stands for, such as `LLM as a service`; `written by people` for the reference.
        models: `provider:model` of its steps, each once; empty for the reference.
        outcomes: One a case and repeat, in the order of the dataset, failed ones included.
        scores: By (case id, repeat): each metric's score, by metric name. A metric may be missing, which is unscored.
        set_scores: Metrics of the whole set, such as self-BLEU, by metric name.
        failed: How many outcomes failed.
    """

    pipeline: str
    description: str = ""
    option: str = ""
    models: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    scores: Mapping[tuple[str, int], Mapping[str, Score]] = field(default_factory=dict)
    set_scores: Mapping[str, Score] = field(default_factory=dict)
    failed: int = 0

    def of(self, metric: str) -> Sequence[tuple[str, Score]]:
        """That metric's scores with their case ids, in the order of the outcomes; a case stands once a repeat."""
        found = ((one.case_id, self.scores.get((one.case_id, one.repeat), {}).get(metric)) for one in self.outcomes)
        return [(case_id, score) for case_id, score in found if score is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """An experiment, as far as it has come.

    Args:
        manifest: What it is made of.
        cases: By id, in the order of the dataset.
        pipelines: In the order they were asked for; the human riddles last, named `REFERENCE`, where there are any.
        metrics: All that occur, in the order of `all_metrics`.
    """

    manifest: Manifest
    cases: Mapping[str, Case]
    pipelines: tuple[PipelineResults, ...]
    metrics: tuple[Metric, ...]

    def pipeline(self, name: str) -> PipelineResults:
        """The results of that pipeline.

        Raises:
            NotFound: It is not part of the experiment.
        """
        for results in self.pipelines:
            if results.pipeline == name:
                return results
        known = (results.pipeline for results in self.pipelines)
        raise NotFound("pipeline in this experiment", name, known)
