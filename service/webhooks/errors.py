"""What can be wrong with a webhook.

Errors of the domain that are made here: `InvalidWebhook` (an `InvalidInput`: a URL or secret that cannot be used) and
`TargetRefused` (the receiver's name leads to an address that nothing is sent to).
"""

from __future__ import annotations

from domain.errors import InvalidInput, RiddlewireError


class InvalidWebhook(InvalidInput):
    """A webhook that cannot be used."""

    noun = "webhook"


class TargetRefused(RiddlewireError):
    """A connection that is not made. Says nothing of the address: names of the operator's own network are no news."""

    def __init__(self, host: str, _reason: str = "") -> None:
        super().__init__(f"{host} leads to an address that webhooks are not sent to")
