"""People's own preferences, against which a judge is measured."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from evaluation.errors import InvalidDataset
from evaluation.experiments.plan import Key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evaluation.evaluators.judge import Preference, Winner
    from evaluation.metric import Score

Pair = tuple[Key, Key]

MAX_LABELS_BYTES = 16 * 1024 * 1024

_COLUMNS = ("case_id", "first", "second", "winner")
_SWAPPED: Mapping[str, Winner] = {"first": "second", "second": "first", "tie": "tie"}
_WINNERS: Mapping[float, Winner] = {1.0: "first", 0.5: "tie", 0.0: "second"}


def read_labels(path: Path) -> dict[Pair, Winner]:
    """Labels from a CSV file with the columns `case_id`, `first`, `second` (pipelines) and `winner`.

    The winner is `first`, `second`, `tie`, or the name of one of the two pipelines. First runs are meant.

    Raises:
        InvalidDataset: With the line and what is wrong with it.
    """
    try:
        if path.stat().st_size > MAX_LABELS_BYTES:
            raise InvalidDataset(path, None, f"is larger than {MAX_LABELS_BYTES // 1024**2} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidDataset(path, None, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidDataset(path, None, "is not UTF-8 text") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    labels: dict[Pair, Winner] = {}
    try:
        if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
            raise InvalidDataset(path, 1, f"has no column {missing[0]!r}")
        for row in reader:
            pair, winner = _label(path, reader.line_num, row)
            labels[pair] = winner
    except csv.Error as error:
        raise InvalidDataset(path, reader.line_num, f"is not CSV: {error}") from None
    if not labels:
        raise InvalidDataset(path, None, "has no label")
    return labels


def _label(path: Path, line: int, row: Mapping[str, str | None]) -> tuple[Pair, Winner]:
    case_id, first, second, winner = ((row[name] or "").strip() for name in _COLUMNS)
    sides: dict[str, Winner] = {first: "first", second: "second", "first": "first", "second": "second", "tie": "tie"}
    if winner not in sides:
        raise InvalidDataset(path, line, f"has a winner that is none of first, second, tie, {first}, {second}")
    return (Key(first, case_id, 0), Key(second, case_id, 0)), sides[winner]


def judged_pairs(points: Mapping[Pair, Score]) -> dict[Pair, Preference]:
    """A judge's points as preferences, in both orders, so that labels are found whichever side they name first."""
    from evaluation.evaluators.judge import Preference

    judged: dict[Pair, Preference] = {}
    for (first, second), score in points.items():
        winner = None if score.value is None else _WINNERS[score.value]
        judged[first, second] = Preference(winner, score.reason)
        judged[second, first] = Preference(None if winner is None else _SWAPPED[winner], score.reason)
    return judged
