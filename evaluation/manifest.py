"""The manifest: what an experiment is made of, in enough detail to run it again and to see whether anything changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRecord:
    """A prompt as it stood.

    Args:
        ref: `name@version`.
        hash: SHA-256 of its content.
        text: The whole file.
    """

    ref: str
    hash: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRecord:
    """A pipeline as it stood.

    Args:
        name: Its name.
        option: Which of the four ways it stands for, such as `LLM as a service`.
        description: One sentence.
        hash: SHA-256 of all that decides what it does.
        prompts: `name@version` of its steps' prompts, in order.
        models: `provider:model` of its steps, each once, in order.
        gate: Its gate as JSON: checks, thresholds, attempts, candidates.
        spec: The whole recipe as JSON: steps, settings, retrieval.
    """

    name: str
    option: str
    description: str
    hash: str
    prompts: tuple[str, ...]
    models: tuple[str, ...]
    gate: Mapping[str, Any]
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """Which cases the experiment is over.

    Args:
        name: As it was asked for: `dev`, `train`, a path, `stored:50`.
        hash: SHA-256 of the chosen cases with their references.
        case_ids: The chosen cases, in order.
        available: How many the dataset has, before a limit.
    """

    name: str
    hash: str
    case_ids: tuple[str, ...]
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """Which examples retrieval could show.

    Args:
        embeddings: Name of the embedding model.
        hash: SHA-256 over the examples' content hashes.
        example_ids: All of them, sorted.
        excluded: How many were kept out because they are of the dev split or one of the cases.
    """

    embeddings: str
    hash: str
    example_ids: tuple[str, ...]
    excluded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything needed to run an experiment again.

    Args:
        experiment: Its name, which is its folder's.
        created_at: ISO 8601, UTC.
        dataset: The cases.
        pipelines: What ran over them.
        prompts: All prompts of all pipelines.
        pool: What retrieval could show.
        repeats: Runs of each pipeline over each case.
        seed: All seeds are made of this one, see `evaluation.plan.seed_of`.
        concurrency: Runs at once, at most.
        solver: `provider:model` of the blind solver; None is the embedding solver only.
        solver_embeddings: What the embedding solver reads with; None is what retrieval does.
        judge: `provider:model` of the judge; None is none.
        versions: Of Riddlewire and the libraries that decide what comes out, by name.
        python: Its version.
        platform: The machine's, as Python names it.
    """

    experiment: str
    created_at: str
    dataset: DatasetRecord
    pipelines: tuple[PipelineRecord, ...]
    prompts: tuple[PromptRecord, ...]
    pool: PoolRecord
    repeats: int
    seed: int
    concurrency: int
    solver: str | None = None
    solver_embeddings: str | None = None
    judge: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    platform: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Manifest:
        """What `to_json` gave.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is of another form.
        """
        dataset = dict(values["dataset"])
        pool = dict(values["pool"])
        pipelines = (
            PipelineRecord(**{**one, "prompts": tuple(one["prompts"]), "models": tuple(one["models"])})
            for one in values["pipelines"]
        )
        return cls(
            **{
                **values,
                "dataset": DatasetRecord(**{**dataset, "case_ids": tuple(dataset["case_ids"])}),
                "pool": PoolRecord(**{**pool, "example_ids": tuple(pool["example_ids"])}),
                "pipelines": tuple(pipelines),
                "prompts": tuple(PromptRecord(**one) for one in values["prompts"]),
            }
        )
