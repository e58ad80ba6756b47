"""What a model has answered before: the seam between calls and whatever remembers, and the name of a question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chains.models.adapters import adapters_of
from chains.models.gguf_location import locate_gguf
from chains.models.questions import question_hash
from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from chains.models.names import ModelName
    from chains.models.settings import ModelSettings

_FORM = 1
"""Of what is hashed; another number makes all that is remembered unknown."""

_NO_PART_OF_A_QUESTION = frozenset({"timeout"})


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer as it was given.

    Args:
        text: All of it.
        finish_reason: `stop`, `length` and so on, in the provider's word.
    """

    text: str
    finish_reason: str


class StepCache(Protocol):
    """Remembers answers by the name of their question."""

    async def find(self, question: str) -> tuple[GivenAnswer, ...] | None:
        """The answers that were kept; None when there are none, or none any more."""

    async def keep(self, question: str, model: str, answers: Sequence[GivenAnswer]) -> None:
        """Keep answers, in the place of any that the same question had.

        Args:
            question: From `question_name`, made different for the second time a run asks it.
            model: `provider:model` that answered.
            answers: All that were asked for.
        """


def question_name(
    settings: ModelSettings, name: ModelName, arguments: Mapping[str, Any], messages: Sequence[BaseMessage], n: int
) -> str:
    """Names the question to one model, with all that can change its answer: where it is served, and from which files.

    Args:
        settings: Where the model's provider is, and which adapter files there are.
        name: Of the model.
        arguments: Of the call, with seed, stop texts, grammar and adapter; how long it may take is left out.
        messages: As they are sent.
        n: How many answers are wanted.
    """
    asked_with = {
        "form": _FORM,
        "model": str(name),
        "where": settings.provider(name.provider).base_url,
        "files": [_state(path) for path in _files(settings, name, arguments.get("adapter"))],
        "arguments": {key: value for key, value in arguments.items() if key not in _NO_PART_OF_A_QUESTION},
    }
    return question_hash(messages, n, asked_with)


def _files(settings: ModelSettings, name: ModelName, adapter: object) -> list[Path]:
    """The files that answer, for models that are files of this machine: one may be trained anew under its old name."""
    match name.provider:
        case "embedded":
            file = _located(name.model)
            adapters = adapters_of(name.model, settings.engine.adapters)
            return [path for path in (file, adapters.get(str(adapter))) if path is not None]
        case "transformers":
            folder = Path(name.model).expanduser()
            return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    return []


@lru_cache(maxsize=64)
def _located(model: str) -> Path | None:
    try:
        return locate_gguf(model)
    except ConfigurationError:  # a chat model of the caller's own that goes by this name: it opens without a file
        return None


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return path.name, state.st_size, state.st_mtime_ns
