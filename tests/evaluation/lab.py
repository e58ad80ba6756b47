"""An experiment with scripted models over a few cases, for tests of what experiments do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chains import load_pipeline
from chains.models import ChatModels
from chains.models.scripted import ScriptedChatModel
from domain import Article, Usage
from evaluation.case import Case
from evaluation.datasets import Dataset, case_id
from evaluation.experiments import Budget, Experiment, Request, Runner, Standing, StillCatalog, open_pool, plan
from evaluation.outcome import Outcome
from retrievers.embeddings import EMBEDDED
from tests.support.examples import STORIES, an_example
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from domain import Example
    from evaluation.experiments import Ran

GOOD = (
    "Answer: thick fog\nRiddle:\nI weigh less than a feather, yet I held giants down.\n"
    "Nobody could see me come, and nobody could see past me.\nWhat am I?\nHint: You can walk through me.\n"
    "Hint: A cloud that came down to the ground."
)

PIPELINE = """
name: {name}
option: test
description: One scripted step.
model: scripted:{name}
retrieval: {{k: 2, floor: -1, mmr_lambda: 0.7, candidates: 24}}
steps:
  - step: summary_riddle
    prompt: summary-riddle
    settings: {{max_tokens: 200}}
gate: {{attempts: 1, candidates: 1}}
"""


def a_case(number: int, **fields: Any) -> Case:
    """A case of its own for each number, with a reference riddle."""
    article = Article(
        text=f"Dense fog number {number} hid runway {number} and its {number} birds.", title=f"Fog {number}"
    )
    values: dict[str, Any] = {
        "id": case_id(article),
        "article": article,
        "topic": "weather",
        "summary": f"Fog hid runway {number}.",
        "answer": "a blind runway",
        "riddle": "I end where wheels begin,\nyet today nobody saw me.\nWhat am I?",
    }
    return Case(**{**values, **fields})


def an_outcome(number: int = 0, pipeline: str = "one", repeat: int = 0, *, cost: float | None = None) -> Outcome:
    """An outcome of case `number`, with a whole riddle."""
    case = a_case(number)
    riddle = a_riddle(article=case.article, pipeline=pipeline)
    riddle = replace(riddle, usage=Usage(input_tokens=10, output_tokens=5, cost_usd=cost, calls=1))
    return Outcome(case_id=case.id, pipeline=pipeline, repeat=repeat, seed=7, riddle=riddle, latency_ms=12.5)


@dataclass
class Lab:
    """Two scripted pipelines, `one` and `two`, over a few cases; every start is like one of another process.

    Args:
        home: The data folder.
        cases: How many.
        repeats: How many.
        concurrency: Runs at once.
    """

    home: Path
    cases: int = 3
    repeats: int = 1
    concurrency: int = 2
    pipelines: tuple[str, ...] = ("one", "two")
    models: ChatModels = field(default_factory=ChatModels)
    scripts: dict[str, ScriptedChatModel] = field(default_factory=dict)
    told: list[Standing] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "pipelines").mkdir(parents=True, exist_ok=True)
        for name in self.pipelines:
            (self.home / "pipelines" / f"{name}.yaml").write_text(PIPELINE.format(name=name), encoding="utf-8")
            self.scripts[name] = ScriptedChatModel(model_name=name, always=GOOD)
            self.models.put(f"scripted:{name}", self.scripts[name])

    @property
    def experiment(self) -> Experiment:
        """The folder."""
        return Experiment(self.home / "experiments" / "lab")

    def request(self, **changes: Any) -> Request:
        """What is asked for."""
        dataset = Dataset.of("lab", map(a_case, range(self.cases)))
        values: dict[str, Any] = {"repeats": self.repeats, "concurrency": self.concurrency}
        return Request(**{"pipelines": self.pipelines, "dataset": dataset, **values, **changes})

    def begin(self, stored: Sequence[Example] | None = None, **changes: Any) -> Experiment:
        """Begin the experiment, or go on with it."""
        request = self.request(**changes)
        examples = [an_example(topic, number) for number, topic in enumerate(STORIES)] if stored is None else stored
        self.experiment.folder.mkdir(parents=True, exist_ok=True)
        planned = plan(
            self.experiment,
            request,
            catalog=StillCatalog(self.home),
            stored=[replace(example, id=example.id or f"ex_{n}") for n, example in enumerate(examples)],
            embeddings=EMBEDDED,
            adapters={},
        )
        planned.write(self.experiment, request)
        return self.experiment

    async def run(self, *, max_cost: float | None = None, retry_failed: bool = False) -> Ran:
        """Run what is missing."""
        catalog = StillCatalog(self.home)
        with open_pool(self.experiment.examples(), EMBEDDED) as examples:
            pipelines = {
                name: load_pipeline(name, catalog=catalog, examples=examples, models=self.models)
                for name in self.pipelines
            }
            runner = Runner(
                self.experiment,
                pipelines,
                self.models,
                budget=Budget(max_cost),
                retry_failed=retry_failed,
                watch=self.told.append,
            )
            return await runner.run()

    @property
    def calls(self) -> int:
        """Of all models."""
        return sum(len(script.calls) for script in self.scripts.values())

    def told_of(self, pipeline: str) -> int:
        """How many runs of a pipeline have ended."""
        return sum(key.pipeline == pipeline for key in self.experiment.outcomes())
