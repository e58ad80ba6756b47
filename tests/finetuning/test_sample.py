"""Files of samples, also those that others wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from finetuning.errors import NotATrainingSet, TooFewSamples
from finetuning.openai_export import write_openai
from finetuning.sample import read_samples
from tests.finetuning.tiny import sample, task

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "is no JSON"),
        ("[]", "has no `messages`"),
        ('{"messages": [{"role": "tool", "content": "x"}]}', "has no `messages` with role and content"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "does not end with the assistant's answer"),
    ],
)
def test_a_line_that_is_no_sample_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(NotATrainingSet, match=r"train\.jsonl:2 ") as raised:
        read_samples(path)
    assert complaint in str(raised.value)
    assert "riddlewire finetune prepare" in str(raised.value)


def test_plain_conversations_are_samples_too(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(f"{GOOD}\n\n")
    (read,) = read_samples(path)
    assert (read.answer, read.messages[0].content, read.split) == ("a", "q", "train")


def test_the_providers_file_holds_conversations_and_nothing_else(tmp_path: Path) -> None:
    written = write_openai(tmp_path / "train.jsonl", [*task(10)[:10], sample("case 0", "fog fog fog")])
    lines = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert {tuple(line) for line in lines} == {("messages",)}
    assert [turn["role"] for turn in lines[0]["messages"]] == ["system", "user", "assistant"]
    assert (written.samples, written.size) == (11, (tmp_path / "train.jsonl").stat().st_size)
    assert written.repeated == 1


def test_fewer_samples_than_the_provider_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooFewSamples, match="has 9 samples"):
        write_openai(tmp_path / "train.jsonl", task(9)[:9])
