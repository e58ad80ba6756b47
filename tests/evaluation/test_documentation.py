from __future__ import annotations

import re
from pathlib import Path

from evaluation.datasets import shipped_dataset
from evaluation.evaluators import all_metrics
from evaluation.export import FORMATS

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_the_document_has_every_metric_as_it_is() -> None:
    rows = [
        f"| `{one.name}` | {one.group} | {one.unit} | {one.better} | {one.about} | {one.blind_to} |"
        for one in all_metrics()
    ]
    assert re.findall(r"^\| `\w+` \| .*\| (?:higher|lower|neither) \|.*$", _DOCUMENT, re.MULTILINE) == rows


def test_the_document_counts_the_splits_right() -> None:
    dev, train = len(shipped_dataset("dev").cases), len(shipped_dataset("train").cases)
    assert f"| `dev` | {dev} of the {dev + train} shipped examples" in _DOCUMENT
    assert f"| `train` | the other {train} |" in _DOCUMENT


def test_the_document_names_every_format() -> None:
    assert re.findall(r"^\| `(csv|jsonl|promptfoo|langsmith)` \|", _DOCUMENT, re.MULTILINE) == list(FORMATS)
