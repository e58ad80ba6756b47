from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.logging import configure_logging, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "rw_0123456789ab_" + "f" * 48


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_logger_and_request_id(out: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("riddlewire.http").info("request", status=200, route="/v1/riddles")

    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "riddlewire.http",
        "request_id": "r-1",
        "route": "/v1/riddles",
        "status": 200,
    }


def test_lines_below_the_level_are_not_written(out: io.StringIO) -> None:
    structlog.get_logger("riddlewire.http").debug("detail")

    assert lines(out) == []


def test_libraries_speak_through_the_same_lines_from_warning_on(out: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: POST https://api.example/v1")
    with structlog.contextvars.bound_contextvars(request_id="r-2"):
        logging.getLogger("chromadb").warning("index of %d", 3)
    logging.getLogger("riddlewire.models").info("ours")

    told = [(line["logger"], line["event"], line.get("request_id")) for line in lines(out)]
    assert told == [("chromadb", "index of 3", "r-2"), ("riddlewire.models", "ours", None)]


def test_warnings_become_lines(out: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old function", UserWarning, stacklevel=1)

    assert "old function" in lines(out)[0]["event"]


def test_an_error_brings_its_traceback(out: io.StringIO) -> None:
    try:
        raise KeyError("missing")  # noqa: TRY301 -- a traceback is needed
    except KeyError:
        structlog.get_logger("riddlewire").exception("failed")

    assert "KeyError: 'missing'" in lines(out)[0]["exception"]


def test_article_text_and_secrets_are_not_written(out: io.StringIO) -> None:
    structlog.get_logger("riddlewire").warning(
        "hello hunter2".replace("hunter2", f"Bearer {KEY}"),
        text="The whole article",
        riddle="I am",
        api_key="hunter2",
        authorization="Bearer hunter2",
        nested={"summary": "The whole article", "secret": "hunter2", "tokens": 3},
        url="postgresql://me:hunter2@db/news",
    )

    written = out.getvalue()
    assert "hunter2" not in written
    assert "The whole article" not in written
    assert "f" * 48 not in written
    assert lines(out)[0]["nested"]["tokens"] == 3
    assert lines(out)[0]["text"] == "<17 long, not logged>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {KEY}.", "key rw_0123456789ab_***"),
        ("sk-abcdefghijklmnop failed", "sk-*** failed"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("postgresql://u:p@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("risk-averse bearer", "risk-averse bearer"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_what_does_not_stays(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.text(), st.text())
def test_no_text_around_it_makes_a_key_show(before: str, after: str) -> None:
    assert "f" * 48 not in masked(f"{before}{KEY}{after}").replace(before, "").replace(after or " ", "")


def test_a_very_long_value_is_cut(out: io.StringIO) -> None:
    structlog.get_logger("riddlewire").info("long", reason="x" * 100_000)

    assert len(out.getvalue()) < 5000


def test_what_is_no_json_is_written_as_text(out: io.StringIO) -> None:
    structlog.get_logger("riddlewire").info("odd", value={1, 2} - {2}, keys={3: object})

    assert lines(out)[0]["value"] == "{1}"


def test_a_library_that_configures_the_root_logger_afterwards_changes_nothing() -> None:
    program = (
        "import logging; from service.telemetry.logging import configure_logging; configure_logging('info', 'json')\n"
        "logging.basicConfig(level=logging.INFO); logging.getLogger('httpx').info('call'); "
        "logging.getLogger('httpx').warning('slow')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["slow"]
    assert done.stdout == ""
