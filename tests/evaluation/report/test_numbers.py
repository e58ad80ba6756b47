"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evaluation.report.numbers import UNSCORED, difference_text, span_text, tick_text, value_text

if TYPE_CHECKING:
    from evaluation.metric import Unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "share", "50.0%"),
        (1.0, "share", "100.0%"),
        (0.1234, "score", "0.123"),
        (-0.1, "score", "\u22120.100"),
        (4.25, "words", "4.2"),
        (1234.4, "tokens", "1,234"),
        (0.0, "count", "0.0"),
        (0.0, "ms", "0 ms"),
        (3.21, "ms", "3.21 ms"),
        (830.4, "ms", "830 ms"),
        (999.9, "ms", "1,000 ms"),
        (1234.0, "ms", "1.23 s"),
        (123_456.0, "ms", "123 s"),
        (0.0, "usd", "$0"),
        (0.000321, "usd", "$0.00032"),
        (0.0123, "usd", "$0.012"),
        (12.5, "usd", "$12.50"),
        (None, "share", UNSCORED),
        (None, "usd", UNSCORED),
    ],
)
def test_values_stand_with_their_unit(value: float | None, unit: Unit, text: str) -> None:
    assert value_text(value, unit) == text


def test_a_difference_of_shares_is_in_points_and_has_a_sign() -> None:
    assert difference_text(0.123, "share") == "+12.3 points"
    assert difference_text(-0.04, "share") == "\u22124.0 points"
    assert difference_text(0.0, "share") == "0.0 points"
    assert difference_text(-1500.0, "ms") == "\u22121.50 s"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert difference_text(-0.0001, "share") == "0.0 points"


def test_the_unit_of_a_span_stands_once_where_it_is_shared() -> None:
    assert span_text(0.1, 0.25, "share") == "10.0 to 25.0%"
    assert span_text(900.0, 1500.0, "ms") == "900 ms to 1.50 s"
    assert span_text(-0.01, 0.2, "share", signed=True) == "\u22121.0 to +20.0 points"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.975, "share", "97.5%"),
        (0.1 + 0.2, "share", "30%"),
        (2000.0, "ms", "2 s"),
        (0.00005, "usd", "$0.00005"),
        (-0.3, "score", "\u22120.3"),
        (1200.0, "tokens", "1,200"),
    ],
)
def test_ticks_have_no_digit_too_many(value: float, unit: Unit, text: str) -> None:
    assert tick_text(value, unit) == text
