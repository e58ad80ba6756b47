"""The plots: quality against what it takes, how values are spread, and shares side by side with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from evaluation.report.canvas import INK, MUTED, PAPER, Plot, axes, inline_svg, series_colour, series_marker
from evaluation.report.numbers import value_text
from evaluation.report.pareto import frontier
from evaluation.report.scale import Axis, spread_axis, spread_labels, straight_axis
from evaluation.report.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.report.numbers import Span
    from evaluation.report.pareto import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """All values of one pipeline; `index` decides its colour and shape, the same in every plot."""

    name: str
    index: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A pipeline's share in each group, with its interval; None where nothing was scored."""

    name: str
    index: int
    shares: tuple[float | None, ...]
    spans: tuple[Span | None, ...]


def pareto_plot(
    points: Sequence[Point],
    order: Sequence[str],
    *,
    takes: Axis,
    gives: Axis,
    key: str,
    people: float | None = None,
) -> Plot:
    """Quality over what it takes, with the frontier drawn and its points filled.

    Args:
        points: At least one.
        order: Names of all pipelines; the place decides colour and shape.
        takes: The axis of time or money.
        gives: The axis of quality.
        key: Makes the plot's identifiers its own.
        people: What the riddles that people wrote come to, drawn as a line; they have no time and no price.
    """
    best = frontier(points)
    with axes(3.3) as drawn:
        drawn.step(
            [point.takes for point in best],
            [point.gives for point in best],
            where="post",
            color=MUTED,
            linewidth=1.2,
            linestyle=(0, (4, 3)),
            zorder=1,
        )
        for point in points:
            _draw_point(drawn, point, order.index(point.name), filled=point in best)
        if people is not None:
            drawn.axhline(people, color=MUTED, linewidth=1, zorder=1)
        spread_axis(drawn, "x", takes, [point.takes for point in points])
        straight_axis(drawn, "y", gives)
        _name_points(drawn, points)
        if people is not None:
            _note(drawn, "reference, by people", (0.01, people), ("axes fraction", "data"))
        title = f"{gives.title} against {takes.title[:1].lower()}{takes.title[1:]}"
        told = "; ".join(
            f"{clean_line(point.name)} with {value_text(point.gives, gives.unit)} at "
            f"{value_text(point.takes, takes.unit)}"
            for point in best
        )
        caption = f"On the frontier (filled): {told}."
        return Plot(title=title, caption=caption, svg=inline_svg(drawn, key=key, label=f"{title}. {caption}"))


def spread_plot(series: Sequence[Series], axis: Axis, *, key: str) -> Plot:
    """Each pipeline's values as points with a box of the middle half and a line at the median.

    Args:
        series: At least one, each with at least one value.
        axis: What the values are.
        key: Makes the plot's identifiers its own.
    """
    with axes(0.9 + 0.48 * len(series)) as drawn:
        for place, one in enumerate(reversed(series)):
            _draw_spread(drawn, one, place)
        every = [value for one in series for value in one.values]
        (spread_axis if axis.log else straight_axis)(drawn, "x", axis, every)
        names = [_short(one.name) for one in reversed(series)]
        drawn.set_yticks(range(len(series)), names)
        drawn.tick_params(axis="y", length=0)
        drawn.grid(visible=False, axis="y")
        told = "; ".join(f"{clean_line(one.name)} {value_text(median(one.values), axis.unit)}" for one in series)
        caption = f"Medians: {told}."
        return Plot(title=axis.title, caption=caption, svg=inline_svg(drawn, key=key, label=f"{axis.title}. {caption}"))


def bars_plot(
    bars: Sequence[Bars],
    groups: Sequence[str],
    *,
    axis: Axis,
    key: str,
    chances: Sequence[float | None] = (),
) -> Plot:
    """Shares side by side in groups, with intervals, and with what blind guessing would reach.

    Args:
        bars: One a pipeline.
        groups: Names under the groups.
        axis: What the shares are of.
        key: Makes the plot's identifiers its own.
        chances: Of each group; None where nobody knows.
    """
    width = 0.8 / len(bars)
    with axes(3.4 + 0.2 * ((len(bars) + 1) // 2)) as drawn:
        for one in bars:
            rank = bars.index(one)
            for group, (share, span) in enumerate(zip(one.shares, one.spans, strict=True)):
                if share is None:
                    continue
                x = group - 0.4 + width * (rank + 0.5)
                drawn.bar(x, share, width * 0.86, color=series_colour(one.index), alpha=0.85, zorder=2)
                if span:
                    drawn.vlines(x, span.low, span.high, color=INK, linewidth=1.2, zorder=3)
        for one in bars:
            drawn.plot([], [], "s", color=series_colour(one.index), label=_short(one.name))
        for group, chance in enumerate(chances):
            if chance is not None:
                drawn.hlines(
                    chance, group - 0.46, group + 0.46, color=INK, linewidth=1.2, linestyle=(0, (2, 2)), zorder=4
                )
        if any(chance is not None for chance in chances):
            drawn.plot([], [], color=INK, linewidth=1.2, linestyle=(0, (2, 2)), label="guessing")
        straight_axis(drawn, "y", axis)
        drawn.set_ylim(0, 1.02)
        drawn.set_xticks(range(len(groups)), groups)
        drawn.tick_params(axis="x", length=0)
        drawn.grid(visible=False, axis="x")
        drawn.figure.legend(loc="outside lower left", ncols=2, fontsize=9, handlelength=1.4)
        told = "; ".join(
            f"{clean_line(one.name)} {', '.join(value_text(share, axis.unit) for share in one.shares)}" for one in bars
        )
        caption = f"{' / '.join(' '.join(group.split()) for group in groups)}: {told}."
        return Plot(title=axis.title, caption=caption, svg=inline_svg(drawn, key=key, label=f"{axis.title}. {caption}"))


def _draw_point(drawn: Any, point: Point, index: int, *, filled: bool) -> None:
    colour = series_colour(index)
    if point.span:
        drawn.vlines(point.takes, point.span.low, point.span.high, color=colour, linewidth=1.4, zorder=2)
    drawn.plot(
        point.takes,
        point.gives,
        marker=series_marker(index),
        markersize=8,
        color=colour,
        markerfacecolor=colour if filled else PAPER,
        markeredgewidth=1.8,
        zorder=3,
    )


def _name_points(drawn: Any, points: Sequence[Point]) -> None:
    """Each point's name beside it: to its left in the right half, moved up where another name already stands."""
    drawn.figure.canvas.draw()  # only then the layout, and so every place, is known
    left, right = drawn.get_window_extent().x0, drawn.get_window_extent().x1
    for to_left in (False, True):
        side = []
        for point in points:
            x, y = drawn.transData.transform((point.takes, point.gives))
            if (x > (left + right) / 2) == to_left:
                side.append((point, float(y)))
        wanted = spread_labels([y for _, y in side], apart=_LINE_OF_TEXT)
        for (point, y), height in zip(side, wanted, strict=True):
            drawn.annotate(
                _short(point.name),
                (point.takes, point.gives),
                xytext=(-9 if to_left else 9, height - y),
                textcoords="offset points",
                ha="right" if to_left else "left",
                va="center",
                fontsize=9.5,
                zorder=2.5,
                bbox={"facecolor": PAPER, "alpha": 0.85, "linewidth": 0, "pad": 0.5},
            )


def _draw_spread(drawn: Any, one: Series, place: int) -> None:
    colour = series_colour(one.index)
    shown = sorted(one.values)
    if len(shown) > _MOST_POINTS:
        shown = [shown[round(rank * (len(shown) - 1) / (_MOST_POINTS - 1))] for rank in range(_MOST_POINTS)]
    # neighbours in rank stand on different heights, the same ones in every report
    heights = [place + 0.28 * (2 * ((rank * _GOLDEN) % 1) - 1) for rank in range(len(shown))]
    drawn.plot(shown, heights, "o", markersize=3, color=colour, alpha=0.45, markeredgewidth=0, zorder=2)
    drawn.boxplot(
        [one.values],
        positions=[place],
        orientation="horizontal",
        widths=0.5,
        showfliers=False,
        manage_ticks=False,
        boxprops={"color": colour, "linewidth": 1.3},
        whiskerprops={"color": colour, "linewidth": 1.1},
        capprops={"color": colour, "linewidth": 1.1},
        medianprops={"color": INK, "linewidth": 2},
        zorder=3,
    )


def _note(drawn: Any, text: str, place: tuple[float, float], coordinates: tuple[str, str]) -> None:
    drawn.annotate(
        text, place, xycoords=coordinates, xytext=(2, 3), textcoords="offset points", color=MUTED, fontsize=9
    )


def _short(name: str) -> str:
    text = clean_line(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


_LINE_OF_TEXT: Final = 13.0
_LONGEST_NAME: Final = 20
_MOST_POINTS: Final = 150
_GOLDEN: Final = 0.618033988749895
