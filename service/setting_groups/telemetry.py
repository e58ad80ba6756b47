"""What the service tells about itself: logs and traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from service.setting_groups.group import Group


class LogSettings(Group):
    """What is logged and how it looks. Article text, riddles and secrets are never logged."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important lines shown.")
    format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="`json`: one object a line; `console`: for people; `auto`: console on a terminal, else json.",
    )


class TracingSettings(Group):
    """OpenTelemetry traces; needs the extra `telemetry`."""

    exporter: Literal["none", "otlp", "console"] = Field(
        "none",
        description="Where spans go. `otlp` sends them over HTTP as the standard `OTEL_EXPORTER_OTLP_*` variables say.",
    )
    sample: float = Field(1.0, ge=0.0, le=1.0, description="Share of traces that are kept, from 0 to 1.")
    content: bool = Field(
        default=False,
        description="Puts prompts and answers, so article text too, into the spans. Off unless you need it.",
    )
