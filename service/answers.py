"""JSON answers, encoded once by orjson; timestamps leave as UTC with a `Z`."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def encode(data: Any) -> bytes:
    """JSON text of plain values, datetimes included."""
    return orjson.dumps(data, option=OPTIONS)


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer with `data`, or with JSON text that is encoded already."""
    content = data if isinstance(data, bytes) else encode(data)
    return Response(content, status_code=status, headers=headers, media_type="application/json")
