from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from service.webhooks.errors import InvalidWebhook
from service.webhooks.signing import checked_secret, new_secret, signed_headers

BODY = '{"type":"batch.done","data":{"title":"Zürich ✓"}}'.encode()


def headers(secret: str, moment: datetime | None = None) -> dict[str, str]:
    return signed_headers("whd_1", moment or datetime.now(UTC), BODY, secret)


def test_the_library_of_the_specification_verifies_our_signature() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers(secret))["type"] == "batch.done"


@pytest.mark.parametrize("changed", [{"webhook-id": "whd_2"}, {"webhook-timestamp": "1"}])
def test_a_changed_id_or_timestamp_is_not_verified(changed: dict[str, str]) -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers(secret) | changed)


def test_a_changed_body_is_not_verified() -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers(secret))


def test_a_signature_of_long_ago_is_refused_as_a_replay() -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers(secret, datetime.now(UTC) - timedelta(minutes=6)))


def test_the_example_of_the_specification_has_its_signature() -> None:
    """The vector that the reference implementations test with."""
    made = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_new_secrets_are_all_different_and_pass_the_check() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert {checked_secret(secret) for secret in secrets} == secrets


@given(st.binary(min_size=24, max_size=64))
def test_every_spelling_of_the_same_bytes_is_the_same_secret(key: bytes) -> None:
    padded = base64.b64encode(key).decode()
    bare = padded.rstrip("=")
    assert {checked_secret(text) for text in (padded, bare, f"whsec_{padded}", f"whsec_{bare}")} == {f"whsec_{padded}"}


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "24 to 64 bytes"),
        ("whsec_", "24 to 64 bytes"),
        ("hunter2", "base64"),
        ("whsec_c2hvcnQ=", "24 to 64 bytes in base64, not 5"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "not 65"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS€", "base64"),
        ("whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw", "base64"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_with_the_reason(secret: str, reason: str) -> None:
    with pytest.raises(InvalidWebhook, match=reason) as caught:
        checked_secret(secret)
    assert "hunter2" not in str(caught.value)
