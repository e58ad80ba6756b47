"""The experiment's folder: everything that was asked for, shown and answered, so that nothing else is needed later."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from domain.errors import InvalidExample, InvalidFile, NotFound
from evaluation.codec import case_from_json, case_to_json, outcome_from_json
from evaluation.errors import BadExperimentName, ExperimentInUse
from evaluation.experiments.journal import Journal, write_whole
from evaluation.experiments.plan import Key, key_of
from evaluation.manifest import Manifest
from retrievers.jsonl import parse_example, write_example

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from domain import Example
    from evaluation.case import Case
    from evaluation.outcome import Outcome

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Experiment:
    """An experiment on the disk.

    Its files are these.

    * `manifest.json`: what it is made of;
    * `cases.jsonl`, `examples.jsonl`: its cases, and the examples that retrieval may show;
    * `outcomes.jsonl`: one line an outcome, written as soon as it is there;
    * `model_scores.jsonl`: answers of solver and judge, likewise;
    * `scores.jsonl`: all scores, made anew from the others at any time.

    Args:
        folder: Whose name is the experiment's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcome_journal = Journal(folder / "outcomes.jsonl")
        self.model_score_journal = Journal(folder / "model_scores.jsonl")
        self.scores_file = folder / "scores.jsonl"
        self._manifest_file = folder / "manifest.json"
        self._cases: dict[str, Case] | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def has_begun(self) -> bool:
        """Whether there is an experiment in the folder; its manifest is written last."""
        return self._manifest_file.exists()

    def begin(self, manifest: Manifest, cases: Sequence[Case], examples: Iterable[Example]) -> None:
        """Write down what it is made of."""
        lines = (json.dumps(case_to_json(case), ensure_ascii=False).encode() + b"\n" for case in cases)
        write_whole(self.folder / "cases.jsonl", b"".join(lines))
        write_whole(self.folder / "examples.jsonl", b"".join(map(write_example, examples)))
        self.write_manifest(manifest)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest, in the place of the one before."""
        document = json.dumps(manifest.to_json(), ensure_ascii=False, indent=2, sort_keys=True)
        write_whole(self._manifest_file, document.encode() + b"\n")

    def manifest(self) -> Manifest:
        """What it is made of.

        Raises:
            InvalidFile: The file is no manifest.
        """
        try:
            return Manifest.from_json(json.loads(self._manifest_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidFile(self._manifest_file, None, f"is no manifest of an experiment: {error}") from None

    def cases(self) -> dict[str, Case]:
        """Its cases by id, in the order of the dataset.

        Raises:
            InvalidFile: With the line.
        """
        if self._cases is None:
            journal = Journal(self.folder / "cases.jsonl")
            cases = (_read(journal, line, values, case_from_json) for line, values in journal.read())
            self._cases = {case.id: case for case in cases}
        return self._cases

    def examples(self) -> tuple[Example, ...]:
        """The examples that retrieval may show.

        Raises:
            InvalidFile: With the line.
        """
        path = self.folder / "examples.jsonl"
        examples = []
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                examples.append(parse_example(line))
            except InvalidExample as error:
                raise InvalidFile(path, number, str(error)) from None
        return tuple(examples)

    def outcomes(self) -> dict[Key, Outcome]:
        """What has come out so far. Where a run stands twice, because it was tried again, the later one counts.

        Raises:
            InvalidFile: With the line.
        """
        cases = self.cases()

        def read(values: dict[str, Any]) -> Outcome:
            return outcome_from_json(values, cases[values["case_id"]])

        found = (_read(self.outcome_journal, line, values, read) for line, values in self.outcome_journal.read())
        return {key_of(outcome): outcome for outcome in found}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one process that runs it; the operating system unlocks it when the process dies.

        Raises:
            ExperimentInUse: Another process is.
        """
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "run.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ExperimentInUse(self.name) from None
        try:
            yield
        finally:
            lock.release()


class Experiments:
    """All experiments of a data folder.

    Args:
        folder: `experiments` in the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def named(self, name: str) -> Experiment:
        """The experiment of that name, begun or not.

        Raises:
            BadExperimentName: It cannot be a folder's.
        """
        if not _NAME.fullmatch(name):
            raise BadExperimentName(name)
        return Experiment(self.folder / name)

    def get(self, name: str) -> Experiment:
        """The experiment of that name.

        Raises:
            NotFound: None has begun; lists those that have.
            BadExperimentName: It cannot be a folder's.
        """
        experiment = self.named(name)
        if not experiment.has_begun:
            raise NotFound("experiment", name, (known.name for known in self.all()))
        return experiment

    def all(self) -> list[Experiment]:
        """Those that have begun, by name."""
        if not self.folder.is_dir():
            return []
        found = (Experiment(path) for path in sorted(self.folder.iterdir()) if _NAME.fullmatch(path.name))
        return [experiment for experiment in found if experiment.has_begun]


def _read(journal: Journal, line: int, values: dict[str, Any], read: Any) -> Any:
    try:
        return read(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidFile(journal.path, line, f"is of another form: {type(error).__name__} {error}") from None
