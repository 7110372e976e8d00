"""The tables, plots and sentences of the page, as plain values for the template."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any

from kdsr_data.presets import BenchmarkCase, describe_label
from kdsr_tools.compare.metrics import METRICS
from kdsr_tools.compare.report import Report, SetResults, format_difference, format_score
from kdsr_tools.compare.settings import NEED_GT, Metric
from kdsr_tools.compare.store import Item, ItemName
from kdsr_tools.pages.plots import draw_lines, draw_svg

# What a plot's x axis may be: how to read it off a degradation, and the axis's label.
AXES: dict[str, tuple[Callable[[BenchmarkCase], float | None], str]] = {
    "blur width": (attrgetter("blur_width"), "blur width σ (pixels)"),
    "noise": (attrgetter("noise_level"), "noise σ (of 255)"),
}


def main_metric(results: SetResults) -> Metric | None:
    """Return the metric that stands for an image set: PSNR, or what there is."""
    return results.plan.metrics[0] if results.plan.metrics else None


def set_table(report: Report, results: SetResults) -> dict[str, Any]:
    """Return an image set's means: a row a model and published method, a cell a metric."""
    plan = results.plan
    rows = [_model_row(report, results, model) for model in results.scores.models]
    for column, metric in enumerate(plan.metrics):
        values = [row["cells"][column]["sort"] for row in rows if row["cells"][column]["sort"] != ""]
        best = (max if METRICS[metric].higher_is_better else min)(values, default=None)
        for row in rows:
            row["cells"][column]["is_best"] = row["cells"][column]["sort"] == best and len(values) > 1
    published = [
        {
            "name": method.method,
            "source": method.source,
            "tag": method.tag,
            "other_rule": method.other_rule,
            "cells": [
                {"text": format_score(metric, method.scores.get(metric)), "sort": method.scores.get(metric, "")}
                for metric in plan.metrics
            ],
        }
        for method in results.published
    ]
    return {
        "name": plan.image_set.name,
        "num_images": len(plan.image_set.images),
        "num_settings": len(plan.image_set.cases),
        "metrics": [METRICS[metric] for metric in plan.metrics],
        "rows": rows,
        "published": published,
        "sentence": _sentence(results),
        "by_setting": _case_table(results) if len(plan.image_set.cases) > 1 else None,
        "plots": _plots(results),
    }


def _model_row(report: Report, results: SetResults, model: str) -> dict[str, Any]:
    baseline = report.settings.baseline_name
    cells = []
    for metric in results.plan.metrics:
        mean = results.scores.mean(model, metric)
        difference = None if model == baseline else results.scores.difference(model, baseline, metric)
        cells.append(
            {
                "text": format_score(metric, mean.value),
                "sort": "" if mean.value is None else mean.value,
                "missing": f"{mean.num_missing} of {mean.num + mean.num_missing} missing" if mean.num_missing else "",
                "difference": format_difference(metric, difference) if difference else "",
                "is_clear": bool(difference and difference.is_clear),
            }
        )
    failures = [(item.name, item.error) for item in results.scores.failures(model)]
    return {"name": model, "is_baseline": model == baseline, "cells": cells, "failures": failures}


def _sentence(results: SetResults) -> dict[str, Any] | None:
    """Say which model is best by the main metric, and by how much it leads the second."""
    metric = main_metric(results)
    if metric is None:
        return None
    info = METRICS[metric]
    found = {model: results.scores.mean(model, metric).value for model in results.scores.models}
    means = {model: value for model, value in found.items() if value is not None}
    sign = -1 if info.higher_is_better else 1
    ranking = sorted(means, key=lambda model: sign * means[model])
    if len(ranking) < 2:
        return None
    best, second = ranking[:2]
    difference = results.scores.difference(best, second, metric)
    unit = f" {info.unit}" if info.unit else f" {info.label}"
    lead = f"{abs(means[best] - means[second]):.{info.digits}f}{unit}"
    detail = ""
    if difference and difference.low is not None and difference.high is not None:
        limits = sorted(sign * -1 * limit for limit in (difference.low, difference.high))
        detail = f"95 % interval {limits[0]:.{info.digits}f} to {limits[1]:.{info.digits}f}"
    value = f"{format_score(metric, means[best])}{unit}"
    is_clear = bool(difference and difference.is_clear)
    claim = "comes closest" if metric in NEED_GT else f"has the best {info.label}"
    return {
        "best": best,
        "claim": claim,
        "second": second,
        "value": value,
        "lead": lead,
        "detail": detail,
        "is_clear": is_clear,
    }


def _case_table(results: SetResults) -> dict[str, Any] | None:
    metric = main_metric(results)
    if metric is None:
        return None
    rows = []
    for case in results.plan.image_set.cases:
        means = [
            results.scores.mean(model, metric, where=_is_in({case.label})).value for model in results.scores.models
        ]
        cells = [{"text": format_score(metric, m), "sort": "" if m is None else m} for m in means]
        rows.append({"name": describe_label(case.label), "cells": cells})
    return {"metric": METRICS[metric], "models": results.scores.models, "rows": rows}


def _is_in(settings: Collection[str]) -> Callable[[Item], bool]:
    """Make what tells whether an item is of one of these cases."""
    return lambda item: item.name.setting in settings


def _plots(results: SetResults) -> list[dict[str, str]]:
    """Plot the main metric against blur width and noise, whichever the cases vary."""
    metric = main_metric(results)
    if metric is None:
        return []
    plots = []
    for what, (parameter, x_label) in AXES.items():
        lines = _lines(results, metric, parameter)
        if any(len(x) > 1 for x, _ in lines.values()):
            info = METRICS[metric]
            y_label = f"{info.label} ({info.unit})" if info.unit else info.label
            title = f"{info.label} against {what}, {results.plan.image_set.name}"
            svg = draw_svg(draw_lines(lines, x_label=x_label, y_label=y_label), label=title)
            plots.append({"title": f"{info.label} against {what}", "svg": svg})
    return plots


def _lines(
    results: SetResults, metric: Metric, parameter: Callable[[BenchmarkCase], float | None]
) -> dict[str, tuple[list[float], list[float]]]:
    places: dict[float, set[str]] = {}
    for case in results.plan.image_set.cases:
        if (value := parameter(case)) is not None:
            places.setdefault(value, set()).add(case.label)
    lines = {}
    for model in results.scores.models:
        points = []
        for value, labels in sorted(places.items()):
            mean = results.scores.mean(model, metric, where=_is_in(labels)).value
            if mean is not None and math.isfinite(mean):
                points.append((value, mean))
        lines[model] = ([x for x, _ in points], [y for _, y in points])
    return lines


def cost_table(report: Report) -> list[dict[str, Any]]:
    """Return a row a model: parameters, multiply-adds, seconds, memory."""
    rows = []
    for model in report.models:
        cost = report.costs.get(model.name)
        if cost is None:
            continue
        seconds, memory = cost.seconds_per_megapixel, cost.memory_mb
        cells = [
            _cost_cell(cost.parameters, lambda n: f"{n / 1e6:.2f} M" if n >= 1e5 else f"{n / 1e3:.1f} k"),
            _cost_cell(cost.giga_macs, lambda n: f"{n:.2f} G"),
            _cost_cell(seconds, lambda n: f"{n:.2f} s" if n >= 0.1 else f"{1e3 * n:.1f} ms"),
            _cost_cell(memory, lambda n: f"{n:.0f} MB"),
        ]
        rows.append({"name": model.name, "description": model.description, "cells": cells})
    return rows


def _cost_cell(value: float | None, write: Callable[[float], str]) -> dict[str, Any]:
    return {"text": "–" if value is None else write(value), "sort": "" if value is None else value}


def failures(report: Report) -> list[dict[str, Any]]:
    """List what failed, each reason once a model and image set, with how often and the first place."""
    grouped: dict[tuple[str, str, str | None], list[ItemName]] = {}
    for results in report.sets:
        for model in results.scores.models:
            for item in results.scores.failures(model):
                grouped.setdefault((model, results.plan.image_set.name, item.error), []).append(item.name)
    return [
        {"model": m, "set": s, "error": e, "count": len(names), "first": f"{names[0].image}, {names[0].setting}"}
        for (m, s, e), names in grouped.items()
    ]
