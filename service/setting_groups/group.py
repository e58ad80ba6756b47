"""What every group of settings is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Group(BaseModel):
    """Settings that belong together; an environment variable names the group, then the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def check_http_url(value: str | None) -> str | None:
    """The URL without a slash at its end; blank is unset.

    Raises:
        ValueError: It is no http(s) URL with a host.
    """
    from urllib.parse import urlsplit

    if value is None or not value.strip():
        return None
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not a URL such as http://localhost:8000")
    return value.strip().rstrip("/")
