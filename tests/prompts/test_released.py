"""Released versions never change: neither the package's nor the user's."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import prompts
from prompts import Catalog
from prompts.release import changed, main
from prompts.released import builtin_hashes
from tests.prompts.files import write_prompt

PACKAGE = Path(prompts.__file__).parent


def test_built_in_prompts_are_as_they_were_released(builtin: Catalog) -> None:
    """When this fails: restore the file, and give the new text a new version in a file `name@version.yaml`."""
    assert changed(builtin.prompts(), builtin_hashes()) == []


def test_every_built_in_prompt_is_released(builtin: Catalog) -> None:
    """When this fails: `python -m prompts.release`."""
    assert {prompt.ref for prompt in builtin.prompts()} == set(builtin_hashes())


@pytest.fixture
def package(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE / "prompts", tmp_path / "prompts")
    shutil.copy(PACKAGE / "released.json", tmp_path)
    return tmp_path


def test_release_adds_new_versions_and_keeps_the_old(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_prompt(package, version=99, file="riddle@99")
    assert main(package / "prompts", package / "released.json") == 0
    assert capsys.readouterr().out == "released riddle@99\n"
    assert builtin_hashes(package / "released.json").items() > builtin_hashes().items()


def test_release_refuses_a_changed_version_and_writes_nothing(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = package / "prompts" / "riddle.yaml"
    path.write_text(path.read_text().replace("You turn news", "Well, you turn news"))
    assert main(package / "prompts", package / "released.json") == 1
    assert "riddle@1 was released and has changed or gone" in capsys.readouterr().err
    assert json.loads((package / "released.json").read_text()) == builtin_hashes()


def test_release_refuses_when_a_released_version_went(package: Path) -> None:
    (package / "prompts" / "riddle.yaml").unlink()
    assert main(package / "prompts", package / "released.json") == 1


def test_changed_file_under_an_old_version_is_reported_and_the_old_text_stays(home: Path) -> None:
    write_prompt(home, version=7, system="First.")
    catalog = Catalog(home)
    path = write_prompt(home, version=7, system="Second.")
    catalog.refresh(now=True)
    (problem,) = catalog.problems()
    assert problem.path == path
    assert problem.reason == "riddle@7 was released with other content, which stays: raise version to 8"
    assert catalog.prompt("riddle@7").before[0].content == "First."


def test_old_text_stays_over_a_restart(home: Path) -> None:
    write_prompt(home, version=7, system="First.")
    Catalog(home)
    write_prompt(home, version=7, system="Second.")
    catalog = Catalog(home)
    assert len(catalog.problems()) == 1
    assert catalog.prompt("riddle@7").before[0].content == "First."


def test_raising_the_version_puts_the_new_text_in_force(home: Path) -> None:
    write_prompt(home, version=7, system="First.")
    catalog = Catalog(home)
    write_prompt(home, version=8, system="Second.")
    catalog.refresh(now=True)
    assert catalog.problems() == ()
    assert catalog.prompt("riddle").before[0].content == "Second."


def test_version_of_a_built_in_prompt_cannot_be_given_another_text(home: Path) -> None:
    write_prompt(home, version=1)
    catalog = Catalog(home)
    (problem,) = catalog.problems()
    assert problem.reason == "riddle@1 is built in, with other content: raise version to 2"
    assert catalog.prompt("riddle").source == "builtin"


def test_copy_of_a_built_in_prompt_is_no_problem(home: Path) -> None:
    (home / "prompts").mkdir(parents=True)
    shutil.copy(PACKAGE / "prompts" / "riddle.yaml", home / "prompts")
    assert Catalog(home).problems() == ()


def test_draft_may_change_under_its_version(home: Path) -> None:
    catalog = Catalog(home)
    for text in ("First.", "Second."):
        path = write_prompt(home, version=7, system=text)
        path.write_text(path.read_text() + "draft: true\n")
        catalog.refresh(now=True)
    assert catalog.problems() == ()
    assert catalog.prompt("riddle").before[0].content == "Second."
    assert not (home / "prompts" / ".released").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_is_reported_and_the_prompt_is_in_force(home: Path) -> None:
    write_prompt(home, version=7)
    (home / "prompts").chmod(0o500)
    catalog = Catalog(home)
    assert "a copy of this version could not be kept" in catalog.problems()[0].reason
    assert catalog.prompt("riddle").version == 7


def test_copy_that_cannot_be_kept_is_reported_and_the_prompt_is_in_force(home: Path) -> None:
    write_prompt(home, version=7)
    (home / "prompts" / ".released").write_text("a file where the folder would be")
    catalog = Catalog(home)
    assert "a copy of this version could not be kept" in catalog.problems()[0].reason
    assert catalog.prompt("riddle").version == 7
