"""Exit codes, so that scripts can tell one ending from another without reading what was printed."""

from __future__ import annotations

from enum import IntEnum

from domain.errors import ConfigurationError, FetchError, InvalidInput, ProviderError


class Exit(IntEnum):
    """How a command ended; `docs/cli.md` shows this table."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NEEDS_REVIEW = 3
    PROVIDER = 4
    CONFIGURATION = 5
    INPUT = 6
    INTERRUPTED = 130
    BROKEN_PIPE = 141

    @property
    def meaning(self) -> str:
        """One line for a person."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "done; for `riddle`: every check of the gate passed",
    Exit.FAILED: "failed, and none of the codes below says why; for `doctor`: something has to be changed",
    Exit.USAGE: "no such command or option, or a value it does not take",
    Exit.NEEDS_REVIEW: "`riddle` made one, and a check of the gate refused it",
    Exit.PROVIDER: "the model's provider failed after retries and fallbacks; the same command may work later",
    Exit.CONFIGURATION: "a setting, key, file or package has to be changed first",
    Exit.INPUT: "the article or example cannot be used, or its URL could not be fetched",
    Exit.INTERRUPTED: "stopped by Ctrl-C; for `batch` also by SIGTERM",
    Exit.BROKEN_PIPE: "whoever read the output stopped reading",
}

_BY_ERROR = (
    (ProviderError, Exit.PROVIDER),
    (ConfigurationError, Exit.CONFIGURATION),
    (InvalidInput, Exit.INPUT),
    (FetchError, Exit.INPUT),
)


def exit_of(error: Exception) -> Exit:
    """The exit code that an error stands for."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.FAILED)
