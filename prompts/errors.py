"""What can go wrong with prompts beside a refused file (`domain.errors.InvalidFile`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


class VariablesMismatch(ConfigurationError):
    """A prompt was given other values than it declares; raised before any model is called."""

    def __init__(self, ref: str, *, missing: Iterable[str], extra: Iterable[str]) -> None:
        self.ref = ref
        self.missing = tuple(sorted(missing))
        self.extra = tuple(sorted(extra))
        parts = []
        if self.missing:
            parts.append(f"needs {', '.join(self.missing)}, which was not given")
        if self.extra:
            parts.append(f"does not declare {', '.join(self.extra)}")
        super().__init__(f"prompt {ref} {'; it '.join(parts)}: pass exactly the variables its file declares")
