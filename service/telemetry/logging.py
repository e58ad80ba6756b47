"""Logs: one JSON object a line, or lines for people on a terminal. Never article text, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TextIO

import orjson
import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console"]

_CONTENT = frozenset(
    {"answer", "article", "body", "completion", "content", "example", "hints", "messages", "prompt", "riddle"}
    | {"summary", "text", "texts"}
)
_SECRET = frozenset({"api_key", "authorization", "cookie", "key", "openai_api_key", "password", "secret", "token"})
_KEY_IN_TEXT = re.compile(r"(rw_[0-9a-f]{12}_|\bsk-|\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{6,}")
_PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s/@]+(?=@)")
_LONGEST = 4000
_OURS = ("riddlewire", "uvicorn", "py.warnings")


def configure_logging(level: Level = "info", fmt: Format = "auto", stream: TextIO | None = None) -> None:
    """Set up this process's logs: ours through structlog, those of libraries through the same processors.

    Libraries are heard from WARNING on; a handler that a library hung on the root logger (wordllama does) is removed.

    Args:
        level: The least important lines of ours that are shown.
        fmt: `auto` is `console` when the stream is a terminal, else `json`.
        stream: Where to; standard error unless given.
    """
    out = stream or sys.stderr
    console = fmt == "console" or (fmt == "auto" and out.isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_common(), *_last(console=console)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *names: NamedLogger(out, names[0] if names else "riddlewire"),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(out, threshold, console=console)


class NamedLogger(structlog.PrintLogger):
    """Writes lines to a stream and knows its name.

    Args:
        file: The stream.
        name: Such as `riddlewire.http`.
    """

    def __init__(self, file: TextIO, name: str) -> None:
        super().__init__(file)
        self.name = name

    def msg(self, message: str) -> None:
        """Write a line; where it cannot be written, because the disk is full, nothing else is to fail for that."""
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace what must not be in a log: values of telling names, and anything that looks like a secret."""
    for name, value in event.items():
        event[name] = _redacted(name, value)
    return event


def _redacted(name: str, value: Any) -> Any:
    if name in _SECRET:
        return "***"
    if name in _CONTENT and isinstance(value, (str, bytes, list, tuple, dict)):
        return f"<{len(value)} long, not logged>"
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, MutableMapping):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    return value


def masked(text: str) -> str:
    """The text with API keys, bearer tokens and passwords in URLs hidden, cut when very long."""
    hidden = _PASSWORD_IN_URL.sub(r"\1***", _KEY_IN_TEXT.sub(r"\1***", text))
    return hidden if len(hidden) <= _LONGEST else f"{hidden[:_LONGEST]}... ({len(hidden)} characters)"


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _last(*, console: bool) -> list[Processor]:
    if console:  # plain: the pretty formatter prints local variables, article and secrets included
        plain = structlog.dev.plain_traceback
        renderer: Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
        return [structlog.processors.format_exc_info, redact, renderer]
    return [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(serializer=_to_json)]


def _configure_libraries(out: TextIO, threshold: int, *, console: bool) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_common(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last(console=console)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(threshold)
    logging.captureWarnings(capture=True)


def _to_json(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
