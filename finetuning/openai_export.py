"""The training set in the form that OpenAI's fine-tuning API takes, checked as that API checks it.

Form and limits: https://platform.openai.com/docs/guides/supervised-fine-tuning
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from finetuning.errors import TooFewSamples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from finetuning.sample import Sample

FEWEST: Final = 10
"""Samples in a training file."""

LARGEST_FILE: Final = 512 * 1024 * 1024
"""Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What stands in a provider's file.

    Args:
        path: The file.
        samples: Lines.
        size: Bytes.
        repeated: Lines that say the same as another one.
    """

    path: Path
    samples: int
    size: int
    repeated: int


def write_openai(path: Path, samples: Sequence[Sample]) -> Written:
    """Write one split as JSON lines of `messages`, nothing else in them.

    Args:
        path: The file.
        samples: At least ten, as the API demands.

    Raises:
        TooFewSamples: There are fewer.
        ValueError: The file would be larger than the API takes.
    """
    if len(samples) < FEWEST:
        raise TooFewSamples("provider's file", len(samples))
    lines = [orjson.dumps({"messages": sample.conversation}) for sample in samples]
    size = sum(map(len, lines)) + len(lines)
    if size > LARGEST_FILE:
        raise ValueError(f"{size} bytes are more than the {LARGEST_FILE} that the API takes; use fewer examples")
    path.write_bytes(b"\n".join(lines) + b"\n")
    return Written(path=path, samples=len(lines), size=size, repeated=len(lines) - len(Counter(lines)))
