"""The figures of a comparison, all by BasicSR's functions under the field's rules, and which of them can be had."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from basicsr.metrics import calculate_metric

from kdsr_model.checks.checkpoints import check_lpips
from kdsr_model.perceptual.lpips_metric import calculate_lpips
from kdsr_options.schema import Problem
from kdsr_tools.compare.settings import NEED_GT, LPIPSWeights, Metric
from kdsr_tools.evaluation import score

NIQE_BLOCK = 96  # pixels; its statistics need at least two
SSIM_WINDOW = 11  # pixels
FROM_CACHE = LPIPSWeights()
LPIPS_NETS: dict[Metric, str] = {"lpips": "alex", "lpips_vgg": "vgg"}


class NotDefined(ValueError):
    """Why a picture has no value of a metric."""


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
    "lpips_vgg": MetricInfo("LPIPS (VGG)", 4, "", False, "the same by VGG16, a second judge; 0 is equal"),
    "colour": MetricInfo("Colour", 2, "levels", False, "how far the mean of R, G and B is from the original's, of 255"),
    "niqe": MetricInfo("NIQE", 2, "", False, "how unlike undistorted photographs it looks, without an original"),
}


def choose_metrics(
    asked: Iterable[Metric] | None, *, lpips_weights: LPIPSWeights = FROM_CACHE
) -> tuple[list[Metric], list[str]]:
    """Return the metrics to measure, and notes on those left out; all that can be had if none were asked for.

    LPIPS by VGG, many times as slow, is measured where it is asked for or its weights are named.

    Raises:
        ValueError: one that was asked for cannot be had, and why.
    """
    wanted = [metric for metric in METRICS if asked is None or metric in asked]
    if asked is None and lpips_weights.vgg is None:
        wanted.remove("lpips_vgg")
    problems: dict[Metric, Problem] = {}
    for metric in LPIPS_NETS.keys() & wanted:
        found: list[Problem] = []
        net = LPIPS_NETS[metric]
        block = {"type": "calculate_lpips", "net": net, "weights": getattr(lpips_weights, net)}
        check_lpips(found, block, path=f"metrics: {metric}")
        problems.update((metric, problem) for problem in found)
    if asked is not None and problems:
        raise ValueError("; ".join(f"{problem.path}: {problem.message}" for problem in problems.values()))
    notes = [f"{METRICS[metric].label} was left out: {problem.message}" for metric, problem in problems.items()]
    return [metric for metric in wanted if metric not in problems], notes


def measure(
    sr: np.ndarray,
    gt: np.ndarray | None,
    *,
    metrics: Sequence[Metric],
    scale: int,
    lpips_weights: LPIPSWeights = FROM_CACHE,
    reasons: dict[str, str] | None = None,
) -> dict[str, float | None]:
    """Measure `sr` (H, W, 3), BGR uint8, against `gt` of the same kind; None where a metric is not defined.

    Args:
        reasons: gets, by metric, why it is not defined, or how it failed.
    """
    found: dict[str, float | None] = {}
    for metric in metrics:
        if gt is None and metric in NEED_GT:
            continue
        try:
            found[metric] = _measure_one(metric, sr, gt, scale, lpips_weights)
        except Exception as error:  # one metric that fails, as NIQE does on flat pictures, must not cost the others
            found[metric] = None
            if reasons is not None:
                kind = "" if isinstance(error, NotDefined) else f"{type(error).__name__}: "
                reasons[metric] = kind + (str(error).strip().splitlines() or ["no message"])[0][:200]
    return found


def _measure_one(metric: Metric, sr: np.ndarray, gt: Any, scale: int, lpips_weights: LPIPSWeights) -> float:
    window = SSIM_WINDOW if metric == "ssim" else 1
    if min(sr.shape[:2]) - 2 * scale < window:
        raise NotDefined(f"fewer than {window} pixels a side within the border")
    if metric == "niqe":
        value = _measure_niqe(sr, scale)
    elif metric in LPIPS_NETS:
        net = LPIPS_NETS[metric]
        value = calculate_lpips(sr, gt, crop_border=scale, net=net, weights=getattr(lpips_weights, net))
    elif metric == "colour":
        value = measure_colour_shift(sr, gt, border=scale)
    else:
        return score(sr, gt, scale=scale, metrics=[metric])[metric]  # PSNR is infinite for equal pictures
    if not math.isfinite(value):
        raise NotDefined("its value is no number")
    return value


def measure_colour_shift(sr: np.ndarray, gt: np.ndarray, *, border: int) -> float:
    """Return how far a picture's mean colour is from GT's: the mean over R, G, B of |mean SR - mean GT|, in levels."""
    inside = slice(border, -border or None)
    means = [image[inside, inside].mean(axis=(0, 1), dtype=np.float64) for image in (sr, gt)]
    return float(np.abs(means[0] - means[1]).mean())


def _measure_niqe(sr: np.ndarray, scale: int) -> float:
    sides = [side - 2 * scale for side in sr.shape[:2]]
    if math.prod(side // NIQE_BLOCK for side in sides) < 2:
        raise NotDefined(f"it needs two blocks of {NIQE_BLOCK}x{NIQE_BLOCK} pixels within the border")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # flat blocks, which BasicSR leaves out
        return float(calculate_metric({"img": sr}, {"type": "calculate_niqe", "crop_border": scale}))
