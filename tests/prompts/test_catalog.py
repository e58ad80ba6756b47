"""Built-in files overlaid by the user's own, kept up with edits; broken ones are reported and change nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidFile, NotFound
from prompts import Catalog
from tests.prompts.files import write, write_pipeline, write_prompt

if TYPE_CHECKING:
    from pathlib import Path


def test_built_in_files_are_all_good(builtin: Catalog) -> None:
    assert builtin.problems() == ()
    assert [spec.name for spec in builtin.pipelines()] == [
        "embedded",
        "few-shot-base",
        "few-shot-instruct",
        "openai",
        "zero-shot",
    ]
    assert {spec.option for spec in builtin.pipelines()} == {
        "do it yourself",
        "few-shot on a foundation model",
        "LLM as a service",
        "instruction-following model",
    }


def test_missing_home_is_as_good_as_an_empty_one(home: Path) -> None:
    catalog = Catalog(home)
    assert catalog.problems() == ()
    assert not home.exists()


def test_newer_version_of_the_user_becomes_the_latest_and_the_old_one_stays(home: Path) -> None:
    write_prompt(home, version=7)
    catalog = Catalog(home)
    assert catalog.prompt("riddle").ref == "riddle@7"
    assert catalog.prompt("riddle").source == "user"
    assert catalog.prompt("riddle@1").source == "builtin"
    assert {"riddle@1", "riddle@7"} <= {prompt.ref for prompt in catalog.prompts()}


def test_several_versions_stand_side_by_side(home: Path) -> None:
    for version in (7, 10, 9):
        write_prompt(home, version=version, file=f"riddle@{version}", system=f"Version {version}.")
    catalog = Catalog(home)
    assert catalog.problems() == ()
    assert catalog.prompt("riddle").version == 10
    assert catalog.prompt("riddle@9").before[0].content == "Version 9."


def test_same_version_in_two_files_is_reported(home: Path) -> None:
    write_prompt(home, version=7)
    write_prompt(home, version=7, file="riddle@7", system="Another.")
    (problem,) = Catalog(home).problems()
    assert "riddle@7 stands in riddle.yaml already" in problem.reason or "stands in riddle@7.yaml" in problem.reason


@pytest.mark.parametrize("ref", ["riddles", "riddle@99", "riddle@x", "riddle@", "riddle@²", "@1", ""])
def test_unknown_prompt_is_not_found_and_those_there_are_get_listed(builtin: Catalog, ref: str) -> None:
    with pytest.raises(NotFound, match=r"there is: .*riddle"):
        builtin.prompt(ref)


def test_unknown_pipeline_is_not_found(builtin: Catalog) -> None:
    with pytest.raises(NotFound, match="there is: embedded, few-shot-base, few-shot-instruct, openai, zero-shot"):
        builtin.pipeline("nope")


def test_pipeline_of_the_user_overlays_the_built_in_one_of_its_name(home: Path) -> None:
    write_pipeline(home, name="openai")
    spec = Catalog(home).pipeline("openai")
    assert (spec.source, spec.steps[0].model) == ("user", "scripted:test")


def test_edit_is_picked_up_and_the_revision_grows(home: Path) -> None:
    catalog = Catalog(home)
    before = catalog.revision
    assert not catalog.refresh(now=True)
    write_prompt(home, version=7)
    assert catalog.refresh(now=True)
    assert catalog.revision == before + 1
    assert catalog.prompt("riddle").version == 7


def test_refresh_looks_only_now_and_then(home: Path) -> None:
    catalog = Catalog(home)
    write_prompt(home, version=7)
    assert not catalog.refresh()
    assert catalog.refresh(now=True)


def test_removed_file_uncovers_the_built_in_prompt(home: Path) -> None:
    path = write_prompt(home, version=7)
    catalog = Catalog(home)
    path.unlink()
    catalog.refresh(now=True)
    assert catalog.prompt("riddle").source == "builtin"


def test_broken_edit_is_reported_while_the_last_good_prompt_stays(home: Path) -> None:
    path = write_prompt(home, version=7)
    catalog = Catalog(home)
    path.write_text(path.read_text().replace('"{summary}"', '"{sumary}"'))
    catalog.refresh(now=True)
    (problem,) = catalog.problems()
    assert (problem.path, problem.line) == (path, 9)
    assert "{sumary} is not declared" in problem.reason
    assert catalog.prompt("riddle").version == 7


def test_problem_goes_when_the_file_is_mended(home: Path) -> None:
    path = write_prompt(home, version=7)
    good = path.read_text()
    path.write_text("name: [")
    catalog = Catalog(home)
    assert len(catalog.problems()) == 1
    path.write_text(good)
    catalog.refresh(now=True)
    assert catalog.problems() == ()


def test_pipeline_that_names_an_unknown_prompt_is_refused_with_its_line(home: Path) -> None:
    path = write_pipeline(home, prompt="ridle@3")
    catalog = Catalog(home)
    (problem,) = catalog.problems()
    assert (problem.path, problem.line) == (path, 9)
    assert "no prompt 'ridle@3'" in problem.reason
    with pytest.raises(InvalidFile, match="no prompt 'ridle@3'"):
        catalog.pipeline("mine")


def test_pipeline_whose_prompt_wants_what_its_step_lacks_is_refused(home: Path) -> None:
    write_pipeline(home, prompt="condense")
    (problem,) = Catalog(home).problems()
    assert "prompt condense@1 wants section, but the step riddle offers article, summary, title" in problem.reason


def test_pipeline_that_names_an_unknown_grammar_is_refused(home: Path) -> None:
    path = write_pipeline(home)
    path.write_text(path.read_text().replace("{max_tokens: 10}", "{max_tokens: 10, grammar: limerick}", 1))
    (problem,) = Catalog(home).problems()
    assert "no grammar 'limerick'; there is: riddle, riddle-first-person, summary" in problem.reason


def test_grammar_of_the_user_reaches_the_step(home: Path) -> None:
    write(home / "grammars" / "limerick.gbnf", 'root ::= "a"\n')
    path = write_pipeline(home)
    path.write_text(path.read_text().replace("{max_tokens: 10}", "{max_tokens: 10, grammar: limerick}", 1))
    assert Catalog(home).pipeline("mine").steps[0].settings.grammar_text == 'root ::= "a"\n'


def test_broken_pipeline_is_never_replaced_by_the_built_in_one(home: Path) -> None:
    write(home / "pipelines" / "openai.yaml", "name: openai\n")
    with pytest.raises(InvalidFile):
        Catalog(home).pipeline("openai")


def test_broken_edit_of_a_pipeline_leaves_the_last_good_one(home: Path) -> None:
    path = write_pipeline(home)
    catalog = Catalog(home)
    path.write_text("name: mine\n")
    catalog.refresh(now=True)
    assert len(catalog.problems()) == 1
    assert catalog.pipeline("mine").steps[0].model == "scripted:test"


def test_hidden_files_and_other_suffixes_are_left_alone(home: Path) -> None:
    for name in (".riddle.yaml", "riddle.yaml~", "notes.txt", ".#riddle.yaml"):
        write(home / "prompts" / name, "rubbish: [")
    assert Catalog(home).problems() == ()


def test_readers_see_whole_states_while_files_change(home: Path) -> None:
    """A prompt and the pipeline that pins it come and go together."""
    catalog = Catalog(home)
    stop = threading.Event()
    torn: list[str] = []

    def read() -> None:
        while not stop.is_set():
            catalog.refresh(now=True)
            for spec in catalog.pipelines():
                torn.extend(step.prompt for step in spec.steps if step.settings.max_tokens < 10)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in range(2, 20):
        write_prompt(home, version=version)
    stop.set()
    for thread in threads:
        thread.join()
    catalog.refresh(now=True)
    assert torn == []
    assert catalog.prompt("riddle").version == 19
