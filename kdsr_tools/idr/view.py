"""The IDR view of one student: maps, probe and distances, as plain values for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdsr_arch import KDSRStudent, KDSRTeacher, loading, size_from_weights
from kdsr_data.presets import describe_label
from kdsr_tools.idr.analysis import make_maps, probe
from kdsr_tools.idr.samples import (
    PARAMETERS,
    Parameter,
    Samples,
    collect_samples,
    distance_cases,
    make_estimators,
    measure_distances,
)
from kdsr_tools.pages.plots import STYLE, draw_lines, draw_svg, figure_to_svg

COLOUR_MAPS = {"angle": "twilight_shifted"}
RASTER_DPI = 160


def make_idr_view(
    name: str,
    student: KDSRStudent,
    teacher: KDSRTeacher | None,
    images: Sequence[np.ndarray],
    *,
    vary: Sequence[Parameter],
    number: int,
) -> dict[str, Any]:
    """Inspect a student on `images` (H, W, 3), RGB in [0, 1]; the result can be kept as JSON.

    Args:
        vary: the degradation's parameters that are drawn.
        number: of degraded crops.
    """
    scale = student.scale
    estimators = make_estimators(student, teacher, make_untrained(student))
    samples = collect_samples(estimators, images, scale=scale, vary=vary, number=number)
    found = probe(samples)
    view: dict[str, Any] = {
        "name": name,
        "number": number,
        "num_images": len(images),
        "protocol": found.protocol,
        "parameters": {parameter: PARAMETERS[parameter] for parameter in vary},
        "r2": found.r2,
        "map": draw_maps(samples, name),
        "distances": None,
        "distance_plot": None,
    }
    if teacher is not None:
        cases = distance_cases(vary, scale=scale)
        view["distances"] = measure_distances(estimators, images, cases, scale=scale)
        view["distance_plot"] = _draw_distances(view["distances"])
    return view


def make_untrained(student: KDSRStudent) -> KDSRStudent:
    """Make a student of the same size with random weights, the same on every run."""
    arguments = size_from_weights(student.state_dict()).arguments()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return KDSRStudent(**arguments).eval()


def load_teacher(path: Path, *, scale: int) -> KDSRTeacher:
    """Load a teacher from its checkpoint. Raises ValueError for another network's, or another scale's."""
    teacher = loading.load_teacher(path)
    if teacher.scale != scale:
        raise ValueError(f"{path}: a teacher for x{teacher.scale}, and the student enlarges x{scale}")
    return teacher


def draw_maps(samples: Samples, name: str) -> str:
    """Draw the student's maps, coloured by each parameter, as an SVG element."""
    maps = make_maps(samples.idr_prime["student"])
    panels = [(method, parameter) for method in maps for parameter in samples.parameters]
    # One parameter: its maps side by side. Several: a row a method.
    rows = 1 if len(samples.parameters) == 1 else len(maps)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(3.4 * len(panels) / rows, 2.8 * rows), layout="constrained")
        grid = figure.subplots(rows, len(panels) // rows, squeeze=False)
        for axes, (method, parameter) in zip(grid.ravel(), panels, strict=True):
            _draw_map(axes, maps[method], samples.parameters[parameter], parameter)
            axes.set_title(method, fontsize="medium")
        figure.set_dpi(RASTER_DPI)
        return figure_to_svg(figure, label=f"Maps of {name}'s IDR, coloured by degradation")


def _draw_map(axes: Axes, points: np.ndarray, values: np.ndarray, parameter: Parameter) -> None:
    colours = COLOUR_MAPS.get(parameter, "viridis")
    x, y = points.T
    dots = axes.scatter(x, y, c=values, s=9, cmap=colours, linewidths=0, rasterized=True)
    axes.set(xticks=[], yticks=[])
    bar = axes.figure.colorbar(dots, ax=axes, label=PARAMETERS[parameter], shrink=0.85)
    bar.outline.set_visible(False)


def _draw_distances(distances: Mapping[str, Mapping[str, float]]) -> str:
    labels = list(next(iter(distances.values())))
    lines = {name: (list(range(len(labels))), list(by_label.values())) for name, by_label in distances.items()}
    draw_line_plot = draw_lines(lines, x_label="", y_label="mean |IDR' − teacher's IDR'|")

    def draw(axes) -> None:
        draw_line_plot(axes)
        axes.set_xticks(range(len(labels)), [_short(label) for label in labels], rotation=60, ha="right")
        axes.set_ylim(bottom=0)

    size = (max(5.6, 0.42 * len(labels)), 3.9)
    return draw_svg(draw, label="Distance to the teacher's IDR by degradation", size=size)


def _short(label: str) -> str:
    return describe_label(label).replace("blur ", "").replace("angle ", "").replace(" by ", "×")
