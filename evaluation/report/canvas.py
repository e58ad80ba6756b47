"""The canvas: plots drawn by matplotlib, as SVG that stands in a page and takes its colours and letters from it.

A plot is drawn in placeholder colours that become the page's CSS variables, so that one picture serves light, dark and
paper. Identifiers are made unique to the plot, as many plots share one page.
"""

from __future__ import annotations

import io
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from domain.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator

INK: Final = "#0b0001"
"""Placeholder of the text's colour."""
MUTED: Final = "#0b0002"
"""Placeholder of axes and lesser text."""
GRID: Final = "#0b0003"
"""Placeholder of grid lines."""
PAPER: Final = "#0b0004"
"""Placeholder of the background."""

SERIES_COUNT: Final = 8
"""Colours the page has for pipelines."""
MARKERS: Final = "osD^vPX*"
"""One shape a pipeline as well: colours are not all that people see."""

WIDTH: Final = 4.6
"""Inches; narrow enough to be read on a phone without scaling letters away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture for the page.

    Args:
        title: What it shows.
        caption: How to read it, and the numbers that matter, in words.
        svg: An `<svg>` element; everything in it is escaped.
    """

    title: str
    caption: str
    svg: str


def series_colour(index: int) -> str:
    """The placeholder of a pipeline's colour; the ninth takes the first's again."""
    return f"#0a00{index % SERIES_COUNT:02x}"


def series_marker(index: int) -> str:
    """The shape of a pipeline's points."""
    return MARKERS[index % len(MARKERS)]


@contextmanager
def axes(height: float) -> Iterator[Any]:
    """Empty axes of `WIDTH` by `height` inches in the style of the page; read them with `inline_svg`.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("evaluation reports", "eval") from None
    with rc_context(_STYLE), warnings.catch_warnings():
        # letters that matplotlib's own font lacks are only measured by it: the reader's browser draws them
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure.add_subplot()


def inline_svg(drawn: Any, *, key: str, label: str) -> str:
    """The axes' figure as an `<svg>` element without any reference to the outside.

    Args:
        drawn: What `axes` gave, still inside its `with`.
        key: Letters, digits and hyphens that no other plot of the page has.
        label: What a screen reader says.
    """
    file = io.BytesIO()
    drawn.figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    root = ET.fromstring(file.getvalue())  # noqa: S314  # matplotlib wrote it a moment ago
    used = set(_REFERENCE.findall(ET.tostring(root, encoding="unicode")))
    for parent in root.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[2] in {"metadata", "style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
        element.text = element.text if element.tag == "text" else None
        element.attrib = {
            name.rpartition("}")[2]: _attribute(name, value, key)
            for name, value in element.attrib.items()
            if name != "id" or value in used
        }
    view = root.attrib["viewBox"]
    root.attrib = {"viewBox": view, "role": "img", "aria-label": label}
    return ET.tostring(root, encoding="unicode")


def _attribute(name: str, value: str, key: str) -> str:
    if name == "id":
        return f"{key}-{value}"
    if name == "style":
        value = _FONT.sub("", _COLOUR.sub(lambda found: f"var(--{_VARIABLES[found.group()]})", value))
    return _REFERENCE.sub(lambda found: found.group().replace("#", f"#{key}-"), value) if "#" in value else value


_VARIABLES: Final = {
    INK: "ink",
    MUTED: "muted",
    GRID: "line",
    PAPER: "paper",
    **{series_colour(index): f"series-{index + 1}" for index in range(SERIES_COUNT)},
}
_COLOUR: Final = re.compile("|".join(_VARIABLES))
_REFERENCE: Final = re.compile(r"(?:url\(|href=\"|^)#([\w-]+)")
_FONT: Final = re.compile(r"font-family:[^;]*;?\s*|(?<=px) '[^;]*(?=;|$)")

_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "riddlewire",
    "text.parse_math": False,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}
