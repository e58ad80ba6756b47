from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from domain.errors import InvalidFile, InvalidInput, NotFound
from evaluation.datasets import Dataset
from evaluation.errors import BadExperimentName, ExperimentChanged, ExperimentInUse
from evaluation.experiments import Experiments, Request, StillCatalog, plan
from evaluation.experiments.records import version_changes
from evaluation.manifest import Manifest
from retrievers.embeddings import EMBEDDED
from tests.evaluation.lab import PIPELINE, Lab, a_case

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def _edit_pipeline(lab: Lab, old: str, new: str) -> None:
    text = PIPELINE.format(name="one").replace(old, new)
    (lab.home / "pipelines" / "one.yaml").write_text(text, encoding="utf-8")


def _add_prompt(lab: Lab) -> None:
    shipped = StillCatalog().prompt("summary-riddle").path.read_text(encoding="utf-8")
    (lab.home / "prompts").mkdir()
    own = shipped.replace("version: 1", "version: 2\ndraft: true", 1).replace("create a riddle", "make a riddle")
    (lab.home / "prompts" / "summary-riddle@2.yaml").write_text(own, encoding="utf-8")


def test_the_manifest_holds_what_it_takes_to_do_it_again(lab: Lab) -> None:
    manifest = lab.begin().manifest()
    one = manifest.pipelines[0]
    assert one.models == ("scripted:one",)
    assert one.prompts == (manifest.prompts[0].ref,)
    assert one.gate["attempts"] == 1
    assert "name: summary-riddle" in manifest.prompts[0].text
    assert manifest.dataset.case_ids == tuple(a_case(n).id for n in range(3))
    assert len(manifest.pool.example_ids) == len(lab.experiment.examples())
    assert manifest.pool.embeddings == EMBEDDED
    assert {"riddlewire", "langchain-core", "transformers"} <= manifest.versions.keys()
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_the_same_request_goes_on(lab: Lab) -> None:
    lab.begin()
    before = lab.experiment.manifest()
    lab.begin(stored=[])
    assert lab.experiment.manifest() == before
    assert len(lab.experiment.examples()) == len(before.pool.example_ids) > 0


def test_solver_judge_and_concurrency_may_change(lab: Lab) -> None:
    lab.begin()
    lab.begin(concurrency=7, solver="scripted:solver", judge="scripted:judge")
    manifest = lab.experiment.manifest()
    assert (manifest.concurrency, manifest.solver, manifest.judge) == (7, "scripted:solver", "scripted:judge")


def test_another_description_is_no_other_pipeline(lab: Lab) -> None:
    lab.begin()
    _edit_pipeline(lab, "One scripted step.", "Words.")
    lab.begin()


def test_a_changed_pipeline_is_refused(lab: Lab) -> None:
    lab.begin()
    _edit_pipeline(lab, "max_tokens: 200", "max_tokens: 201")
    with pytest.raises(ExperimentChanged, match="since it began pipeline 'one' changed: start another one with --name"):
        lab.begin()


def test_a_newer_prompt_is_refused_and_named(lab: Lab) -> None:
    lab.begin()
    _add_prompt(lab)
    with pytest.raises(ExperimentChanged, match=r"prompts summary-riddle@1; now summary-riddle@2-draft"):
        lab.begin()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"dataset": Dataset.of("lab", [a_case(0), a_case(1)])}, r"dataset changed \(lab, 3 cases; now lab, 2\)"),
        ({"dataset": Dataset.of("lab", [a_case(0, answer="x"), a_case(1), a_case(2)])}, "the dataset changed"),
        ({"pipelines": ("one",)}, "pipelines changed from one, two to one"),
        ({"repeats": 2}, "repeats changed from 1 to 2"),
        ({"seed": 5}, "seed changed from 0 to 5"),
    ],
)
def test_another_request_under_the_same_name_is_refused(lab: Lab, changes: dict[str, Any], complaint: str) -> None:
    lab.begin()
    with pytest.raises(ExperimentChanged, match=complaint):
        lab.begin(**changes)


def test_other_weights_under_the_same_adapter_name_are_refused(lab: Lab, tmp_path: Path) -> None:
    _edit_pipeline(lab, "max_tokens: 200", "max_tokens: 200, extra: {adapter: tuned}")
    weights = tmp_path / "tuned.gguf"
    catalog = StillCatalog(lab.home)
    request = lab.request()
    weights.write_bytes(b"first")

    def planned() -> Manifest:
        return plan(
            lab.experiment, request, catalog=catalog, stored=[], embeddings=EMBEDDED, adapters={"tuned": weights}
        ).manifest

    before = planned()
    weights.write_bytes(b"second")
    after = planned()
    assert before.pipelines[0].hash != after.pipelines[0].hash
    assert before.pipelines[1].hash == after.pipelines[1].hash


def test_a_catalog_that_is_still_does_not_follow_edits(lab: Lab) -> None:
    catalog = StillCatalog(lab.home)
    _edit_pipeline(lab, "max_tokens: 200", "max_tokens: 201")
    assert not catalog.refresh(now=True)
    assert catalog.pipeline("one").steps[0].settings.max_tokens == 200
    assert StillCatalog(lab.home).pipeline("one").steps[0].settings.max_tokens == 201


def test_the_default_name_is_the_same_for_the_same_request_only(lab: Lab) -> None:
    names = {lab.request(**changes).default_name() for changes in ({}, {"repeats": 2}, {"seed": 1}, {"limit": 2})}
    assert len(names) == 4
    assert lab.request().default_name() == lab.request().default_name()
    assert lab.request().default_name().startswith("lab-one-two-")
    path = Dataset.of("../strange folder/My cases!.csv", [a_case(0)])
    assert lab.request(dataset=path).default_name().startswith("My-cases-one-two-")
    many = Request(pipelines=tuple(f"pipeline-{n}" for n in range(40)), dataset=path)
    Experiments(lab.home).named(many.default_name())


def test_requests_that_make_no_sense_are_refused(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="stands for the human riddles"):
        lab.request(pipelines=("reference",))
    with pytest.raises(InvalidInput, match="are missing"):
        lab.request(pipelines=())
    with pytest.raises(InvalidInput, match="has no case"):
        lab.request(dataset=Dataset.of("none", []))
    with pytest.raises(NotFound, match="no pipeline 'nosuch'"):
        lab.begin(pipelines=("nosuch",))
    assert not lab.experiment.has_begun


def test_other_library_versions_are_told(lab: Lab) -> None:
    manifest = lab.begin().manifest()
    older = replace(manifest, versions={**manifest.versions, "openai": "1.0", "gone": "2"})
    told = version_changes(older, manifest)
    assert any(change.endswith("(was 1.0)") for change in told)
    assert "gone gone (was 2)" in told
    assert version_changes(manifest, manifest) == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a" * 81, "a\nb", "-x"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadExperimentName):
        Experiments(tmp_path).named(name)


def test_an_unknown_experiment_is_told_with_those_there_are(lab: Lab) -> None:
    lab.begin()
    experiments = Experiments(lab.home / "experiments")
    assert [experiment.name for experiment in experiments.all()] == ["lab"]
    with pytest.raises(NotFound, match="no experiment 'other'; there is: lab"):
        experiments.get("other")


def test_a_broken_manifest_is_told(lab: Lab) -> None:
    experiment = lab.begin()
    (experiment.folder / "manifest.json").write_text('{"experiment": "lab"}', encoding="utf-8")
    with pytest.raises(InvalidFile, match="is no manifest of an experiment"):
        experiment.manifest()


def test_only_one_process_runs_an_experiment(lab: Lab) -> None:
    experiment = lab.begin()
    same = Experiments(lab.home / "experiments").get("lab")
    complaint = "another process runs experiment 'lab'"
    with experiment.locked(), pytest.raises(ExperimentInUse, match=complaint), same.locked():
        pass
    with experiment.locked():
        pass
