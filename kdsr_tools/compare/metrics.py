"""The figures of a comparison, all by BasicSR's functions under the field's rules, and which of them can be had."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from basicsr.metrics import calculate_metric

from kdsr_model.checks.checkpoints import check_lpips
from kdsr_model.lpips_metric import calculate_lpips
from kdsr_options.schema import Problem
from kdsr_tools.compare.settings import Metric
from kdsr_tools.evaluation import score

NIQE_BLOCK = 96  # pixels; its statistics need at least two


class MetricInfo(NamedTuple):
    """How a metric is written: `digits` after the point, `unit`, and which direction is better."""

    label: str
    digits: int
    unit: str
    higher_is_better: bool
    meaning: str


METRICS: dict[Metric, MetricInfo] = {
    "psnr": MetricInfo("PSNR", 2, "dB", True, "closeness to the original, pixel by pixel; 1 dB more is visible"),
    "ssim": MetricInfo("SSIM", 4, "", True, "likeness of structures to the original; 1 is equal"),
    "lpips": MetricInfo("LPIPS", 4, "", False, "distance to the original as people see it; 0 is equal"),
    "niqe": MetricInfo("NIQE", 2, "", False, "how unlike undistorted photographs it looks, without an original"),
}


def choose_metrics(asked: Iterable[Metric] | None) -> tuple[list[Metric], list[str]]:
    """Give the metrics to measure, and notes on those left out; all that can be had if none were asked for.

    Raises:
        ValueError: one that was asked for cannot be had, and why.
    """
    problems: list[Problem] = []
    check_lpips(problems, {"type": "calculate_lpips"}, path="metrics: lpips")
    if asked is None:
        return [metric for metric in METRICS if metric != "lpips" or not problems], [
            f"LPIPS was left out: {problem.message}" for problem in problems
        ]
    if "lpips" in asked and problems:
        raise ValueError("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
    return [metric for metric in METRICS if metric in asked], []


def measure(sr: np.ndarray, gt: np.ndarray | None, *, metrics: Sequence[Metric], scale: int) -> dict[str, float | None]:
    """Measure `sr` (H, W, 3), BGR uint8, against `gt` of the same kind; None where a metric is not defined."""
    found: dict[str, float | None] = {}
    if gt is not None and {"psnr", "ssim"} & set(metrics):
        found |= score(sr, gt, scale=scale)
    if gt is not None and "lpips" in metrics:
        found["lpips"] = calculate_lpips(sr, gt, crop_border=scale)
    if "niqe" in metrics:
        found["niqe"] = _measure_niqe(sr, scale)
    return {metric: found[metric] for metric in metrics if metric in found}


def _measure_niqe(sr: np.ndarray, scale: int) -> float | None:
    sides = (side - 2 * scale for side in sr.shape[:2])
    if math.prod(side // NIQE_BLOCK for side in sides) < 2:
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # flat blocks, which BasicSR leaves out
        niqe = float(calculate_metric({"img": sr}, {"type": "calculate_niqe", "crop_border": scale}))
    return niqe if math.isfinite(niqe) else None
