"""What goes in and comes out where webhooks are spoken of."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from service.schemas import Answer, Body, CleanText, HttpUrl
from service.storage.delivery_rows import DeliveryStatus

if TYPE_CHECKING:
    from service.storage.delivery_rows import Attempt, Delivery
    from service.webhooks.targets import TargetPolicy, WebhookTarget


class WebhookIn(Body):
    """Where to tell that something is done."""

    url: HttpUrl = Field(description="Gets a signed POST, as the Standard Webhooks specification has it.")
    secret: Annotated[CleanText, Field(max_length=200)] | None = Field(
        None, description="`whsec_` and 24 to 64 bytes in base64. Left out, one is made and given out in the answer."
    )

    def target(self, policy: "TargetPolicy") -> "WebhookTarget":
        """The receiver.

        Raises:
            InvalidWebhook: The URL or the secret cannot be used.
        """
        return policy.target(self.url, self.secret)


class WebhookOut(Answer):
    """Where it will be told, in the answer to the call that asked for it."""

    url: str
    secret: str | None = Field(description="The one that was made; null when the caller sent its own. Not shown again.")


class AttemptOut(Answer):
    """One request to the receiver."""

    at: datetime
    status_code: int | None = Field(description="Null when there was no answer.")
    error: str | None = Field(description="Null when it was delivered.")
    duration_ms: int


class DeliveryOut(Answer):
    """An event on its way to a receiver, and what was tried."""

    id: str = Field(description="Sent as `webhook-id` with every attempt.")
    created_at: datetime
    type: str = Field(description="Of the event, such as `batch.done`.")
    subject: str = Field(description="Id of what the event is about, such as a batch.")
    url: str
    status: DeliveryStatus
    attempts: list[AttemptOut] = Field(description="The latest ones, oldest first.")
    attempt_count: int = Field(description="How many there were in all.")
    next_attempt_at: datetime | None = Field(description="Null when it is delivered or has failed.")


def webhook_payload(given: WebhookIn, target: "WebhookTarget") -> dict[str, Any]:
    """`WebhookOut` of a call that asked for a webhook: the one place a secret is ever given out."""
    return {"url": target.url, "secret": target.secret if given.secret is None else None}


def delivery_payload(delivery: "Delivery") -> dict[str, Any]:
    """A delivery as JSON, without its secret."""
    return {
        "id": delivery.id,
        "created_at": delivery.created_at,
        "type": delivery.event_type,
        "subject": delivery.subject,
        "url": delivery.url,
        "status": delivery.status,
        "attempts": [_attempt_payload(attempt) for attempt in delivery.attempts],
        "attempt_count": delivery.attempt_count,
        "next_attempt_at": delivery.next_attempt_at,
    }


def _attempt_payload(attempt: "Attempt") -> dict[str, Any]:
    return {
        "at": attempt.at,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
    }
