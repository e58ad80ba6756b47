"""Secrets and signatures as the Standard Webhooks specification has them.

A secret is `whsec_` and 24 to 64 random bytes in base64. The signature is `v1,` and the base64 of the HMAC-SHA-256 of
`{id}.{timestamp}.{body}` under these bytes. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING

from service.webhooks.errors import InvalidWebhook

if TYPE_CHECKING:
    from datetime import datetime

PREFIX = "whsec_"

_GENERATED_BYTES = 32
_FEWEST_BYTES = 24
_MOST_BYTES = 64


def new_secret() -> str:
    """A secret that nobody knows yet."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_GENERATED_BYTES)).decode()


def checked_secret(secret: str) -> str:
    """The secret, in the one spelling that every library reads: with its prefix and padding.

    Args:
        secret: May lack either.

    Raises:
        InvalidWebhook: It is no base64, or of too few or too many bytes.
    """
    coded = secret.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidWebhook("secret", f"must be {PREFIX} and base64, or left out to be given one") from None
    if not _FEWEST_BYTES <= len(key) <= _MOST_BYTES:
        raise InvalidWebhook("secret", f"must be {_FEWEST_BYTES} to {_MOST_BYTES} bytes in base64, not {len(key)}")
    return PREFIX + base64.b64encode(key).decode()


def signed_headers(message_id: str, moment: datetime, body: bytes, secret: str) -> dict[str, str]:
    """The headers of one attempt.

    Args:
        message_id: The same in all attempts, so that a receiver knows a message that comes twice.
        moment: Of this attempt, in UTC: receivers refuse what was signed long ago.
        body: UTF-8 text, exactly as it is sent.
        secret: As `checked_secret` gives it.
    """
    from standardwebhooks import Webhook

    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body.decode()),
    }
