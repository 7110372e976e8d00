"""Everything that a comparison found, in one place, and its files for other programs: JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from kdsr_tools.compare.costs import Cost
from kdsr_tools.compare.metrics import METRICS
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.compare.published import Published, find_published
from kdsr_tools.compare.runner import Plan
from kdsr_tools.compare.settings import CompareSettings, Metric
from kdsr_tools.compare.summary import Difference, Mean, Scores
from kdsr_tools.files import write_then_rename
from kdsr_tools.markdown import format_table


@dataclass(frozen=True)
class SetResults:
    """The plan of one image set with its scores and what was published for it."""

    plan: Plan
    scores: Scores
    published: list[Published]


@dataclass(frozen=True)
class Report:
    """What a comparison found; `costs` are by model, `notes` say what was left out and why."""

    settings: CompareSettings
    models: list[ComparedModel]
    sets: list[SetResults]
    costs: dict[str, Cost]
    device: str
    notes: list[str]


def make_set_results(settings: CompareSettings, plan: Plan, items: list) -> SetResults:
    """Put a finished plan's items together with what was published for it."""
    name = plan.image_set.name
    published = find_published(name, settings.data[name], scale=settings.scale) if settings.published else []
    return SetResults(plan, Scores(items), published)


def write_files(report: Report, folder: Path) -> None:
    """Write `results.json`, `results.csv` and `results.md`."""
    for name, text in (
        ("results.json", json.dumps(to_json(report), indent=1, allow_nan=False)),
        ("results.csv", to_csv(report)),
        ("results.md", to_markdown(report)),
    ):
        with write_then_rename(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def to_json(report: Report) -> dict:
    """Return all results as plain values; None stands for what is not defined or, as equal images' PSNR, not finite."""
    return {
        "title": report.settings.title,
        "scale": report.settings.scale,
        "baseline": report.settings.baseline_name,
        "device": report.device,
        "models": {
            model.name: {
                "description": model.description,
                "fingerprint": model.fingerprint,
                "cost": report.costs[model.name].to_json() if model.name in report.costs else None,
            }
            for model in report.models
        },
        "sets": {results.plan.image_set.name: _set_to_json(report, results) for results in report.sets},
        "notes": report.notes,
    }


def _set_to_json(report: Report, results: SetResults) -> dict:
    baseline = report.settings.baseline_name
    means, differences = {}, {}
    for model in results.scores.models:
        means[model] = {metric: _mean_to_json(results.scores.mean(model, metric)) for metric in results.plan.metrics}
        found = {metric: results.scores.difference(model, baseline, metric) for metric in results.plan.metrics}
        differences[model] = {metric: difference and asdict(difference) for metric, difference in found.items()}
    return {
        "means": means,
        "differences_against_baseline": differences,
        "published": [published._asdict() for published in results.published],
        "items": [_item_to_json(item) for item in results.scores.items],
    }


def _mean_to_json(mean: Mean) -> dict:
    return {**asdict(mean), "value": _finite(mean.value)}


def _item_to_json(item) -> dict:
    scores = {metric: _finite(value) for metric, value in item.scores.items()}
    return {**asdict(item.name), "scores": scores, "error": item.error}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def to_csv(report: Report) -> str:
    """Return one row an item: model, image set, setting, image, its scores, its error."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    metrics = [metric for metric in METRICS if any(metric in results.plan.metrics for results in report.sets)]
    writer.writerow(["model", "image_set", "setting", "image", *metrics, "error"])
    for results in report.sets:
        for item in results.scores.items:
            scores = ["" if item.scores.get(metric) is None else item.scores[metric] for metric in metrics]
            writer.writerow([*asdict(item.name).values(), *scores, item.error or ""])
    return text.getvalue()


def to_markdown(report: Report) -> str:
    """Return a table an image set: means, and differences against the baseline with their intervals."""
    parts = [f"# {report.settings.title}\n"]
    for results in report.sets:
        columns = [_column_title(metric) for metric in results.plan.metrics]
        parts.append(f"## {results.plan.image_set.name}\n")
        rows = [[model, *_markdown_cells(report, results, model)] for model in results.scores.models]
        for published in results.published:
            cells = [format_score(metric, published.scores.get(metric)) for metric in results.plan.metrics]
            rows.append([f"{published.method} ({published.tag}, {published.source})", *cells])
        parts.append(format_table([f"x{report.settings.scale}", *columns], rows) + "\n")
        parts += [f"{row.method}, {row.tag}: {row.other_rule}.\n" for row in results.published if row.other_rule]
    parts.append(
        f"In brackets: the mean paired difference against {report.settings.baseline_name} and its 95 % bootstrap "
        "interval over images.\n"
    )
    return "\n".join(parts)


def _column_title(metric: Metric) -> str:
    info = METRICS[metric]
    return f"{info.label}{f' ({info.unit})' if info.unit else ''} {'↑' if info.higher_is_better else '↓'}"


def _markdown_cells(report: Report, results: SetResults, model: str) -> list[str]:
    cells = []
    for metric in results.plan.metrics:
        text = format_mean(metric, results.scores.mean(model, metric))
        difference = results.scores.difference(model, report.settings.baseline_name, metric)
        if difference and model != report.settings.baseline_name:
            text += f" ({format_difference(metric, difference)})"
        cells.append(text)
    return cells


def format_score(metric: Metric, value: float | None) -> str:
    """Write a score with its metric's digits; a dash for none."""
    if value is None:
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{METRICS[metric].digits}f}"


def format_mean(metric: Metric, mean: Mean) -> str:
    """Write a mean, and how many of its items are missing."""
    text = format_score(metric, mean.value)
    return f"{text} ({mean.num_missing} of {mean.num + mean.num_missing} missing)" if mean.num_missing else text


def format_difference(metric: Metric, difference: Difference) -> str:
    """Write a difference with its sign and its interval."""
    digits = METRICS[metric].digits
    text = f"{difference.value:+.{digits}f}"
    if difference.low is None:
        return text
    return f"{text}, {difference.low:+.{digits}f} to {difference.high:+.{digits}f}"
