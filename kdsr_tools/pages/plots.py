"""Plots as SVG inside a page, in colours that the page's theme sets."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Stand-ins in the SVG for the page's CSS variables; any colours that matplotlib itself does not use.
INK, GRID = "#010203", "#040506"
SERIES = tuple(f"#0a0b{number:02x}" for number in range(8))
VARIABLES = {INK: "var(--ink-2)", GRID: "var(--line)"} | {
    colour: f"var(--s{number + 1})" for number, colour in enumerate(SERIES)
}
# The type of matplotlib's keys is another in each of its versions.
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kdsr",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "axes.prop_cycle": cycler(color=SERIES),
}
# The same for a picture of its own, in plain colours on white.
PICTURE_STYLE: dict[Any, Any] = STYLE | {
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), "#333842"),
    **dict.fromkeys(("axes.edgecolor", "grid.color"), "#dddddd"),
    "axes.prop_cycle": cycler(
        color=["#6b7280", "#c2571a", "#2f55d4", "#15803d", "#9333b0", "#a16207", "#be2d5c", "#0e7490"]
    ),
}
# Letters that fit above a plot of the usual width, and what a line's symbol takes of them.
LEGEND_LETTERS, SYMBOL_LETTERS = 54, 7
DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)))
MARKERS = "osD^vPX*"


def series_style(number: int) -> dict[str, Any]:
    """Return a line's colour, dashes and marker; colour is never the only difference."""
    turn = number // len(SERIES)
    marker = MARKERS[number % len(MARKERS)]
    return {"color": f"C{number % len(SERIES)}", "linestyle": DASHES[turn % len(DASHES)], "marker": marker}


def draw_svg(draw: Callable[[Axes], None], *, label: str, size: tuple[float, float] = (5.6, 3.4)) -> str:
    """Draw one plot as an SVG element for the page; `label` is what a screen reader says."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        return figure_to_svg(figure, label=label)


def figure_to_svg(figure: Figure, *, label: str) -> str:
    """Turn a figure that was drawn in `STYLE` into an SVG element for the page."""
    content = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    svg = content.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.S)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    # The page's own font, and a size that follows the column.
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px; font-family: inherit", svg)
    svg = re.sub(r'<svg ([^>]*?)\bwidth="[^"]*"', r"<svg \1", svg, count=1)
    svg = re.sub(r'<svg ([^>]*?)\bheight="[^"]*"', r"<svg \1", svg, count=1)
    safe = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{safe}" ', 1)


def draw_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str
) -> Callable[[Axes], None]:
    """Make what draws named lines, each the x and y of its points, with a legend."""

    def draw(axes: Axes) -> None:
        for number, (name, (x, y)) in enumerate(lines.items()):
            axes.plot(x, y, label=name, **series_style(number))
        axes.set(xlabel=x_label, ylabel=y_label)
        add_legend(axes)

    return draw


def add_legend(axes: Axes) -> None:
    """Put the legend above a plot, in as many columns as its longest name lets fit."""
    handles, labels = axes.get_legend_handles_labels()
    columns = LEGEND_LETTERS // (max(map(len, labels), default=1) + SYMBOL_LETTERS)
    axes.figure.legend(handles, labels, loc="outside upper center", ncols=min(max(columns, 1), 4))
