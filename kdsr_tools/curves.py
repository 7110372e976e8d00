"""`kdsr curves`: losses and validation metrics of several BasicSR experiments, in one page and one picture."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdsr_tools.files import write_then_rename
from kdsr_tools.pages import page as pages
from kdsr_tools.pages.plots import PICTURE_STYLE, add_legend, draw_svg, series_style
from kdsr_tools.training_logs import Curves, read_curves

MOST_POINTS = 200  # of a line; more are averaged in bins
NAMES = {"l_pix": "pixel loss", "l_idr": "IDR loss", "l_percep": "perceptual loss", "psnr": "PSNR", "ssim": "SSIM"}


def describe_quantity(name: str) -> str:
    """Write a quantity's name for people: `metrics/Set5/psnr` becomes `PSNR on Set5`."""
    kind, *middle, last = name.split("/")
    text = NAMES.get(last, last)
    return f"{text} on {'/'.join(middle)}" if kind == "metrics" and middle else text


def average_bins(points: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return a line's iterations and finite values in order, averaged in at most `MOST_POINTS` bins."""
    finite = sorted((iteration, value) for iteration, value in points.items() if math.isfinite(value))
    if not finite:
        return np.empty(0), np.empty(0)
    bins = np.array_split(np.array(finite, dtype=float), min(MOST_POINTS, len(finite)))
    return np.array([part[:, 0].mean() for part in bins]), np.array([part[:, 1].mean() for part in bins])


def draw_quantity(axes: Axes, experiments: Mapping[str, Curves], quantity: str) -> None:
    """Draw one quantity of every experiment that has it; losses on a logarithmic axis."""
    for number, (name, curves) in enumerate(experiments.items()):
        if quantity in curves:
            iterations, values = average_bins(curves[quantity])
            style = series_style(number) | ({} if len(values) < 30 else {"marker": ""})
            axes.plot(iterations, values, label=name, **style)
    axes.set(xlabel="iteration", ylabel=describe_quantity(quantity))
    lines = axes.get_lines()
    if quantity.startswith("losses/") and all((np.asarray(line.get_ydata()) > 0).all() for line in lines):
        axes.set_yscale("log")


def list_quantities(experiments: Mapping[str, Curves]) -> list[str]:
    """List what any experiment has, metrics first, which are what a training is for."""
    names = {name for curves in experiments.values() for name in curves}
    return sorted(names, key=lambda name: (not name.startswith("metrics/"), name))


def write_page(path: Path, experiments: Mapping[str, Curves]) -> None:
    """Write one self-contained page with a plot a quantity."""
    plots = []
    for quantity in list_quantities(experiments):
        title = describe_quantity(quantity)

        def draw(axes: Axes, quantity: str = quantity) -> None:
            draw_quantity(axes, experiments, quantity)
            add_legend(axes)

        plots.append({"title": title[0].upper() + title[1:], "svg": draw_svg(draw, label=title)})
    last = [{"name": name, "values": _last_values(curves)} for name, curves in experiments.items()]
    pages.write_page(path, "curves.html.j2", plots=plots, experiments=last, quantities=_titles(experiments))


def _titles(experiments: Mapping[str, Curves]) -> dict[str, str]:
    return {quantity: describe_quantity(quantity) for quantity in list_quantities(experiments)}


def _last_values(curves: Curves) -> dict[str, tuple[int, float]]:
    return {quantity: max(points.items()) for quantity, points in curves.items()}


def write_picture(path: Path, experiments: Mapping[str, Curves]) -> None:
    """Write all plots as one PNG."""
    quantities = list_quantities(experiments)
    columns = min(len(quantities), 3)
    rows = math.ceil(len(quantities) / columns)
    with mpl.rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(4.6 * columns, 3.3 * rows + 0.5), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, quantity in zip(grid, quantities, strict=False):
            draw_quantity(axes, experiments, quantity)
        for axes in grid[len(quantities) :]:
            axes.set_visible(False)
        lines = {line.get_label(): line for axes in grid[: len(quantities)] for line in axes.get_lines()}
        figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=4)
        with write_then_rename(path) as temporary:
            figure.savefig(temporary, dpi=150)


def add_parser(subparsers) -> None:
    """Add `kdsr curves`."""
    parser = subparsers.add_parser("curves")
    parser.add_argument("experiments", type=Path, nargs="+", metavar="EXPERIMENT", help="as experiments/my_training")
    parser.add_argument("--to", type=Path, default=Path("results/curves"), metavar="FOLDER")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page and the picture."""
    names = [folder.resolve().name for folder in args.experiments]
    unique = len(set(names)) == len(names)
    experiments = {
        name if unique else str(folder): read_curves(folder)
        for name, folder in zip(names, args.experiments, strict=True)
    }
    write_page(args.to / "index.html", experiments)
    write_picture(args.to / "curves.png", experiments)
    print(f"{len(list_quantities(experiments))} quantities of {len(experiments)} experiments")
    print(f"Page: {args.to / 'index.html'}\nPicture: {args.to / 'curves.png'}")
    return 0
