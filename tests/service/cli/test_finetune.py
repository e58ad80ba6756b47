"""`riddlewire finetune` from the training set to the adapter, with a tiny model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from finetuning.sample import read_samples, write_samples
from service.cli.exits import Exit
from tests.finetuning.tiny import task, write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.running import Cli

QUICK = (
    "--rank",
    "2",
    "--max-steps",
    "2",
    "--batch-size",
    "4",
    "--evaluations",
    "1",
    "--threads",
    "1",
    "--precision",
    "fp32",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model in `model` and a tiny training set in `data`."""
    folder = tmp_path_factory.mktemp("finetune")
    write_tiny_model(folder / "model")
    (folder / "data").mkdir()
    samples = task()
    for split in ("train", "dev"):
        write_samples(folder / "data" / f"{split}.jsonl", [each for each in samples if each.split == split])
    return folder


def test_a_training_set_shows_an_example_in_half_of_the_riddles(shared: Cli, tmp_path: Path) -> None:
    made = shared("finetune", "prepare", "-o", str(tmp_path), "--json").json
    assert (made["train"], made["dev"], made["left_out"]) == (816, 136, 4)
    samples = read_samples(tmp_path / "train.jsonl")
    riddles = [sample for sample in samples if sample.step == "riddle"]
    assert 0.4 < sum(bool(sample.shown) for sample in riddles) / len(riddles) < 0.6
    assert {len(sample.shown) for sample in riddles} == {0, 1}
    assert not any(sample.shown for sample in samples if sample.step == "summarize")
    kept_aside = {sample.example_id for sample in read_samples(tmp_path / "dev.jsonl")}
    assert not kept_aside & {example for sample in riddles for example in sample.shown}
    assert "summarize@1, riddle-tuned@1" in (tmp_path / "DATA.md").read_text(encoding="utf-8")


def test_a_training_set_without_shots(shared: Cli, tmp_path: Path) -> None:
    assert shared("finetune", "prepare", "-o", str(tmp_path), "--shots", "0").code == Exit.OK
    assert not any(sample.shown for sample in read_samples(tmp_path / "train.jsonl"))


@pytest.mark.local
def test_train_evaluate_and_keep_an_adapter(shared: Cli, run: Path, tmp_path: Path) -> None:
    base, target = str(run / "model"), tmp_path / "run"
    trained = shared("finetune", "train", "-o", str(target), "--data", str(run / "data"), "--base", base, *QUICK)
    assert trained.code == Exit.OK, trained.err
    assert "summarize" in trained.out
    report = json.loads((target / "training.json").read_text(encoding="utf-8"))
    assert (report["steps"], report["settings"]["rank"], report["settings"]["alpha"]) == (2, 2, 4)
    assert (target / "loss.svg").is_file()

    measured = shared("finetune", "evaluate", str(target), "--data", str(run / "data"), "--json").json
    assert measured["after"]["loss"] == pytest.approx(report["after"]["nats"], abs=1e-3)

    assert shared("finetune", "export", str(target), "--peft", str(tmp_path / "peft")).code == Exit.OK
    assert (tmp_path / "peft" / "adapter_config.json").is_file()
    refused = shared("finetune", "export", str(target), "--gguf", str(tmp_path / "a.gguf"))
    assert refused.code != Exit.OK
    assert "gguf" in refused.err.lower()


def test_openai_export_says_what_it_wrote(shared: Cli, tmp_path: Path) -> None:
    assert shared("finetune", "prepare", "-o", str(tmp_path / "data")).code == Exit.OK
    written = shared("finetune", "openai-export", str(tmp_path / "data"), "-o", str(tmp_path), "--json").json
    assert [each["samples"] for each in written] == [816, 136]
    first = json.loads((tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("evaluate", "nowhere"), "nowhere"),
        (("openai-export", "nowhere", "-o", "there"), "nowhere"),
        (("train", "-o", "there", "--schedule", "steep"), "cosine, linear"),
        (("export", "nowhere"), "--gguf"),
    ],
)
def test_what_cannot_be_done_is_said(shared: Cli, command: tuple[str, ...], said: str) -> None:
    ended = shared("finetune", *command)
    assert ended.code != Exit.OK
    assert said in ended.err
