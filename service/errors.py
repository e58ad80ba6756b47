"""What the HTTP service refuses, and why.

    ServiceError(RiddlewireError)
    ├── Unauthenticated          401  no key, or one we do not know
    ├── Forbidden                403  a key without the role
    ├── UnsupportedContentType   415
    ├── UnsupportedEncoding      415  a body that is compressed
    ├── BodyTooLarge             413
    ├── BatchTooLarge            413  more new articles in one batch than may wait at all
    ├── RateLimitExceeded        429  over the key's own rate
    ├── TooManyGuesses           429  one reader's guesses at one riddle
    ├── NotPublished             409  a riddle that waits for review is not played
    ├── PromotionWaits           409  somebody else's promotion of the riddle waits for approval
    ├── BudgetExhausted          429  what a day may cost is spent (service/limits/errors.py)
    ├── Overloaded               503  too much in flight in this process
    ├── QueueFull                503  too many articles wait already
    ├── ShuttingDown             503
    ├── RequestInProgress        409  the same Idempotency-Key is still being answered
    ├── BatchIsFinished          409  nothing left to cancel
    ├── WorkerDied               500  an article of a batch that kills its workers
    └── IdempotencyMismatch      422  the same Idempotency-Key came with another body or query

`service/problems.py` turns these, the domain's and FastAPI's own into problem+json.
"""

from __future__ import annotations

from typing import ClassVar

from domain.errors import RiddlewireError

_MAX_DRAINED = 64 * 1024 * 1024


class ServiceError(RiddlewireError):
    """A request that is refused; `status`, `slug` and `title` say how, the message says what to do."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal server error"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer."""
        return {}


class Unauthenticated(ServiceError):
    """No key, or one we do not know."""

    status = 401
    slug = "unauthenticated"
    title = "A valid API key is needed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; send 'Authorization: Bearer <key>'")

    @property
    def headers(self) -> dict[str, str]:
        """The challenge that RFC 9110 asks for."""
        return {"WWW-Authenticate": 'Bearer realm="riddlewire"'}


class Forbidden(ServiceError):
    """A key without the role."""

    status = 403
    slug = "forbidden"
    title = "The key may not do this"

    def __init__(self, needed: str, held: str) -> None:
        super().__init__(f"this needs the role {needed!r} and the key has {held!r}; use a key with that role")


class UnsupportedContentType(ServiceError):
    """A body in a format the call does not take."""

    status = 415
    slug = "unsupported-content-type"
    title = "Content type not supported"

    def __init__(self, got: str, accepted: tuple[str, ...]) -> None:
        self.accepted = accepted
        super().__init__(f"this call takes {' or '.join(accepted)}, not {got[:100] or 'a body without Content-Type'}")

    @property
    def headers(self) -> dict[str, str]:
        """What may be posted here."""
        return {"Accept-Post": ", ".join(self.accepted)}


class UnsupportedEncoding(ServiceError):
    """A body that is compressed: a small one could unpack to more than anybody may send."""

    status = 415
    slug = "unsupported-content-encoding"
    title = "Content encoding not supported"

    def __init__(self, got: str) -> None:
        super().__init__(f"bodies are taken as they are, not with Content-Encoding {got[:100]!r}: send it uncompressed")

    @property
    def headers(self) -> dict[str, str]:
        """What may be sent (RFC 9110, section 12.5.3)."""
        return {"Accept-Encoding": "identity"}


class BodyTooLarge(ServiceError):
    """More bytes than the call takes; refused before they are read to the end."""

    status = 413
    slug = "body-too-large"
    title = "Body too large"

    def __init__(self, limit: int, *, declared: int | None = None) -> None:
        self.drainable = declared is not None and declared <= _MAX_DRAINED
        super().__init__(f"the body is larger than the limit of {limit} bytes")

    @property
    def headers(self) -> dict[str, str]:
        """The rest of an endless body is not waited for; a finite one drains, so that the client reads this answer."""
        return {} if self.drainable else {"Connection": "close"}


class BatchTooLarge(ServiceError):
    """More new articles in one batch than may wait in all: waiting would not help."""

    status = 413
    slug = "batch-too-large"
    title = "More articles than may wait"

    def __init__(self, new: int, limit: int) -> None:
        super().__init__(
            f"{new:,} articles of this batch are new, and no more than {limit:,} may wait at once: send smaller ones, "
            "one after the other, or have the operator raise RIDDLEWIRE_JOBS_WAITING"
        )


class TryLater(ServiceError):
    """Refused for now; `retry_after_s` says how long."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        """Whole seconds, at least one."""
        return {"Retry-After": str(whole_seconds(self.retry_after_s))}


class RateLimitExceeded(TryLater):
    """Over the key's own rate."""

    status = 429
    slug = "rate-limited"
    title = "Too many requests"

    def __init__(self, retry_after_s: float, headers: dict[str, str]) -> None:
        self.rate_headers = headers
        super().__init__("this key's rate is used up; wait as Retry-After says", retry_after_s)

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After and the RateLimit fields."""
        return super().headers | self.rate_headers


class TooManyGuesses(TryLater):
    """A reader has used up the guesses at one riddle for now."""

    status = 429
    slug = "too-many-guesses"
    title = "Too many guesses"

    def __init__(self, rate: str, retry_after_s: float) -> None:
        super().__init__(f"a reader has {rate} guesses at one riddle; wait as Retry-After says", retry_after_s)


class NotPublished(ServiceError):
    """The riddle waits for review, or has nothing to be guessed."""

    status = 409
    slug = "not-published"
    title = "The riddle is not published"

    def __init__(self, riddle_id: str) -> None:
        super().__init__(f"riddle {riddle_id} did not pass its checks and cannot be played: take a published one")


class PromotionWaits(ServiceError):
    """Somebody else promoted the riddle, and that waits for approval."""

    status = 409
    slug = "promotion-waits"
    title = "Another promotion of the riddle waits"

    def __init__(self, riddle_id: str) -> None:
        super().__init__(
            f"somebody else promoted riddle {riddle_id}, and that waits for approval; promote it again when it is "
            "rejected, or change the example when it is approved"
        )


class Overloaded(TryLater):
    """Too much in flight in this process; what was accepted still finishes."""

    status = 503
    slug = "overloaded"
    title = "Too much in flight"

    def __init__(self, limit: int, retry_after_s: float = 1.0) -> None:
        super().__init__(f"{limit} riddles are being made already; send this again in a moment", retry_after_s)


class QueueFull(TryLater):
    """Too many articles wait already; what was accepted is still worked on."""

    status = 503
    slug = "queue-full"
    title = "Too many articles wait"

    def __init__(self, limit: int, retry_after_s: float = 30.0) -> None:
        super().__init__(
            f"with these more than {limit:,} articles would wait; send this again later, or a smaller batch",
            retry_after_s,
        )


class ShuttingDown(TryLater):
    """The process finishes what it accepted and takes nothing new."""

    status = 503
    slug = "shutting-down"
    title = "Shutting down"

    def __init__(self, retry_after_s: float = 5.0) -> None:
        super().__init__("this process is shutting down; send the request again", retry_after_s)


class RequestInProgress(TryLater):
    """The first request with this Idempotency-Key is still being answered."""

    status = 409
    slug = "request-in-progress"
    title = "The same request is in progress"

    def __init__(self, retry_after_s: float = 1.0) -> None:
        super().__init__("the first request with this Idempotency-Key is still running; ask again later", retry_after_s)


class BatchIsFinished(ServiceError):
    """A finished batch cannot be cancelled."""

    status = 409
    slug = "batch-finished"
    title = "The batch is finished"

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"batch {batch_id} is finished; there is nothing left to cancel")


class WorkerDied(ServiceError):
    """An article whose worker died each time it was tried; stands in the results of its batch."""

    status = 500
    slug = "worker-died"
    title = "The process that worked on it died"

    def __init__(self, starts: int) -> None:
        super().__init__(
            f"the process that worked on this article died each of {starts} times; look at what is special about the "
            "article, then run it again with POST /v1/batches/{id}/retry"
        )


class IdempotencyMismatch(ServiceError):
    """The same Idempotency-Key came with another body or query."""

    status = 422
    slug = "idempotency-mismatch"
    title = "Idempotency-Key was used for another request"

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was sent with another body or query before; use a new key for a new request"
        )


def whole_seconds(seconds: float) -> int:
    """Rounded up, at least 1: what Retry-After can say."""
    return max(1, int(-(-seconds // 1)))
