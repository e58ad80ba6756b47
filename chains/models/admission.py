"""Who lets a model call go out: the seam between calls and whatever limits them.

Every request to a provider passes here, each further try of a failed one too. `LocalAdmission` only counts the calls in
flight in this process. A service puts an `Admission` of its own in its place, which may let a call wait or refuse it,
and is told what it used.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chains.models.places import Places
from chains.models.scope import current_scope
from domain.errors import ProviderRateLimited, RiddlewireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from domain.errors import ProviderError
    from domain.usage import Usage


class ProviderLimitReached(ProviderRateLimited):
    """A call would wait longer for its turn than somebody waits for an answer.

    It is a `ProviderError`, so that a step's fallbacks answer instead of nobody; the call itself is not tried again.

    Args:
        provider: Which one.
        waits_for: Such as `our own limit of 60 requests a minute`.
        retry_after_s: Seconds until another request makes sense.
    """

    def __init__(self, provider: str, waits_for: str, *, retry_after_s: float) -> None:
        self.provider = provider
        self.reason = waits_for
        self.retry_after_s = retry_after_s
        RiddlewireError.__init__(
            self, f"calls to model provider {provider!r} wait for {waits_for}: try again in {retry_after_s:.0f} s"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A call that is about to be made; `chains.models.scope` says on whose account.

    Args:
        provider: Before the colon of the model's name.
        free: Whether its price is known to be nothing.
        tokens: Counts what it will use at most: prompt and `max_tokens`. Only asked for where somebody limits tokens.
    """

    provider: str
    free: bool
    tokens: Callable[[], int]


class Ticket(Protocol):
    """A call that was let out; it is told what becomes of it."""

    @property
    def left_s(self) -> float | None:
        """Seconds that the call may still wait, over all its tries; None is no limit."""

    async def again(self) -> None:
        """Wait until the call may be tried once more.

        Raises:
            ProviderLimitReached: Not in time.
            RiddlewireError: It is refused for another reason.
        """

    def failed(self, error: ProviderError) -> None:
        """One try has failed."""

    def answered(self, usage: Usage) -> None:
        """The call has been answered, and used this much."""


class Admission(Protocol):
    """Lets calls out."""

    def admit(self, asking: Asking) -> AbstractAsyncContextManager[Ticket]:
        """A block in which the call may be made; entering it may take time, after which the scope's `check` is asked.

        Raises:
            ProviderLimitReached: Not in time, from entering the block.
            RiddlewireError: It is refused for another reason.
        """


class LocalAdmission:
    """Limits the calls of this process that are in flight at once, by provider, and nothing else.

    Args:
        most: Calls in flight at once, by provider.
    """

    def __init__(self, most: Callable[[str], int]) -> None:
        self._most = most
        self._places: dict[str, Places] = {}

    def admit(self, asking: Asking) -> AbstractAsyncContextManager[Ticket]:
        """Waits for a place."""
        places = self._places.get(asking.provider)
        if places is None:
            places = self._places.setdefault(asking.provider, Places(self._most(asking.provider)))
        return _Place(places)


class _Place:
    """A place is kept while a call waits for its next try: the provider is not asked by others meanwhile."""

    __slots__ = ("_places",)
    left_s = None

    def __init__(self, places: Places) -> None:
        self._places = places

    async def __aenter__(self) -> Ticket:
        scope = current_scope()
        await self._places.enter(scope.priority)
        try:
            await scope.check()
        except BaseException:
            self._places.leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._places.leave()

    async def again(self) -> None:
        """At once, if the run may still make calls."""
        await current_scope().check()

    def failed(self, error: ProviderError) -> None:
        """Nothing depends on it."""

    def answered(self, usage: Usage) -> None:
        """Nobody counts."""


_ticket: ContextVar[Ticket | None] = ContextVar("riddlewire_ticket", default=None)


@contextmanager
def holding(ticket: Ticket) -> Iterator[None]:
    """The client that makes the call in this block finds its ticket: LangChain hands nothing of ours down to it."""
    token = _ticket.set(ticket)
    try:
        yield
    except _NoFurtherTry as ended:
        raise ended.error from None
    finally:
        _ticket.reset(token)


def current_ticket() -> Ticket | None:
    """The ticket of the call that is being made; None for a model that is called without `ChatModels`."""
    return _ticket.get()


async def another_try() -> None:
    """Wait until the call that is being made may be tried once more.

    Raises:
        RiddlewireError: As `Ticket.again`; of what else failed there, the block that holds the ticket is told.
    """
    ticket = current_ticket()
    if ticket is None:
        return
    try:
        await ticket.again()
    except RiddlewireError:
        raise
    except Exception as error:  # a database that is away, or whatever a scope's check raises
        raise _NoFurtherTry(error) from error


class _NoFurtherTry(RiddlewireError):
    """Carries what failed before a further try past those who take any failure within a call for the provider's."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(f"no further try: {error}")
