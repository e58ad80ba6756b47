"""What went wrong at a provider, in our words, whichever library said it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from chains.models.redaction import clean_reason
from chains.models.refusals import leaf_of_status
from domain.errors import (
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_KNOWN: tuple[tuple[tuple[type[Exception], ...], type[ProviderError]], ...] = (
    ((ModelRateLimitError,), ProviderRateLimited),
    ((ModelTimeoutError, TimeoutError), ProviderTimedOut),
    ((ModelConnectionError, ModelAPIError, ConnectionError), ProviderUnavailable),
)


def as_provider_error(provider: str, error: Exception, secrets: Iterable[str | None] = ()) -> ProviderError:
    """The leaf for an exception of a provider's library: by LangChain's own classes, then by HTTP status, then by name.

    What nobody can name is a `ProviderBadAnswer`, with the exception's class in its reason.
    """
    if isinstance(error, ProviderError):
        return error
    said = clean_reason(str(error), secrets)
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return _leaf(error)(provider, reason)


def _leaf(error: Exception) -> type[ProviderError]:
    for classes, leaf in _KNOWN:
        if isinstance(error, classes):
            return leaf
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if isinstance(status, int):
        return leaf_of_status(status)
    names = " ".join(cls.__name__.lower() for cls in type(error).__mro__)
    if "timeout" in names:
        return ProviderTimedOut
    return ProviderUnavailable if "connect" in names or "transporterror" in names else ProviderBadAnswer
