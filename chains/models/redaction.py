"""Makes a provider's words fit to be shown: short, on one line, without secrets or markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 300
_SHORTEST_SECRET = 4
_HIDDEN = "[hidden]"
_CREDENTIALS = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{4,}"  # an Authorization header
    r"|\b(?:sk|pk|rk|key|gsk|hf|xai)[-_][\w*-]{6,}"  # keys as providers write them, also half masked
    r"|\bAIza[\w-]{10,}"
)
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_TAGS = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<[^>]{0,500}>")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def clean_reason(text: str, secrets: Iterable[str | None] = ()) -> str:
    """What a provider said, at most 300 characters on one line, without keys, credentials or HTML."""
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _HIDDEN)
    text = _USER_INFO.sub("", _CREDENTIALS.sub(_HIDDEN, _TAGS.sub(" ", text[: MAX_LENGTH * 20])))
    text = _SPACE.sub(" ", text).strip()
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"
