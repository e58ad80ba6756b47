"""Every error Riddlewire raises on purpose.

    RiddlewireError
    ├── InvalidInput              what the caller sent cannot be used
    │   ├── InvalidArticle
    │   └── InvalidExample
    ├── NotFound                  no such thing by that name or id
    ├── ConfigurationError        the operator has to change something
    │   ├── MissingExtra
    │   ├── MissingApiKey
    │   ├── UnknownModelName
    │   └── InvalidFile
    ├── FetchError                an article could not be brought from a URL
    │   └── FetchRefused
    └── ProviderError             the model's provider failed, after retries and fallbacks
        ├── ProviderRateLimited
        ├── ProviderTimedOut
        ├── ProviderUnavailable
        └── ProviderBadAnswer

Each leaf builds its own message from typed arguments and says what to do. None of them knows HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class RiddlewireError(Exception):
    """The root: catch it to catch everything Riddlewire raises on purpose."""


class InvalidInput(RiddlewireError):
    """What the caller sent cannot be used; `field` and `reason` say why."""

    noun = "input"

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{self.noun} {field} {reason}")


class InvalidArticle(InvalidInput):
    """An article that cannot be used."""

    noun = "article"


class InvalidExample(InvalidInput):
    """An example that cannot be used."""

    noun = "example"


class NotFound(RiddlewireError):
    """No such thing; lists what there is when that helps."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        there_is = f"; there is: {', '.join(self.known)}" if self.known else ""
        super().__init__(f"no {kind} {name!r}{there_is}")


class ConfigurationError(RiddlewireError):
    """The operator has to change something before this can work."""


class MissingExtra(ConfigurationError):
    """An optional package is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}': pip install 'riddlewire[{extra}]'")


class MissingApiKey(ConfigurationError):
    """A provider needs a key that is not set."""

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(f"provider {provider!r} needs an API key: set {variable}")


class UnknownModelName(ConfigurationError):
    """A model name nobody knows how to load."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"cannot load model {name!r}: {reason}")


class InvalidFile(ConfigurationError):
    """A prompt or pipeline file that is refused, with the place and the reason."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path = path
        self.line = line
        self.reason = reason
        where = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{where}: {reason}")


class FetchError(RiddlewireError):
    """An article could not be brought from a URL."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"cannot fetch {url}: {reason}")


class FetchRefused(FetchError):
    """The URL leads somewhere we do not go: a private address, another scheme, too much data."""


class ProviderError(RiddlewireError):
    """A model provider failed. `reason` is the provider's own word, cleaned of secrets.

    Args:
        provider: Name before the colon of the model's name.
        reason: What the provider said, at most a few hundred characters.
        retry_after_s: Seconds the provider asked us to wait, if it did.
    """

    verb = "failed"

    def __init__(self, provider: str, reason: str, *, retry_after_s: float | None = None) -> None:
        self.provider = provider
        self.reason = reason
        self.retry_after_s = retry_after_s
        super().__init__(f"model provider {provider!r} {self.verb}: {reason}")


class ProviderRateLimited(ProviderError):
    """Still 429 after the retries."""

    verb = "is rate-limiting us"


class ProviderTimedOut(ProviderError):
    """No answer in time, after the retries."""

    verb = "timed out"


class ProviderUnavailable(ProviderError):
    """Could not be reached, or 5xx after the retries."""

    verb = "is unavailable"


class ProviderBadAnswer(ProviderError):
    """Answered with something that is no chat completion, or refused the request (4xx)."""

    verb = "gave a bad answer"
