"""The name of a model: `provider:model`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from domain.errors import UnknownModelName


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model name, taken apart.

    Args:
        provider: What stands before the first colon, lower case.
        model: All that follows; may hold colons and slashes itself.
    """

    provider: str
    model: str

    def __str__(self) -> str:
        """The name as it is written."""
        return f"{self.provider}:{self.model}"

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> ModelName:
        """Take a name apart.

        Raises:
            UnknownModelName: There is no provider or no model in it.
        """
        provider, colon, model = text.strip().partition(":")
        if not colon or not provider.strip() or not model.strip():
            reason = "write it as provider:model, for example embedded:smollm2-135m-instruct"
            raise UnknownModelName(text, reason)
        return cls(provider.strip().lower(), model.strip())
