"""The metrics of a validation, each tried on two small images."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from basicsr.utils.registry import METRIC_REGISTRY

from kdsr_compat.registries import registered
from kdsr_model.checks.calls import Options, arguments_of, check_call, is_number, try_block
from kdsr_model.checks.checkpoints import check_lpips
from kdsr_options.schema import Problem, join_path, type_name

SIDE = 192  # pixels: NIQE needs more than one of its blocks of 96


def check_metric(problems: list[Problem], block: Any, *, path: str, smallest: int | None = None) -> None:
    """Check a metric's block; `smallest` is the shortest side of the images that it will see, where that is known."""
    before = len(problems)
    check_lpips(problems, block, path=path)
    # BasicSR's metrics swallow unknown arguments, so a misspelt one would go unnoticed.
    metrics = registered(METRIC_REGISTRY)
    check_call(problems, block, metrics, "metric", path=path, given=("img", "img2"), extra=("better",), open=False)
    if len(problems) > before:
        return
    if block.get("better", "higher") not in ("higher", "lower"):
        problems.append(Problem(join_path(path, "better"), f"expected higher or lower, got {block['better']!r}"))
    border = block.get("crop_border", 0)
    if isinstance(border, float) and border.is_integer():
        border = int(border)
    if not is_number(border) or not isinstance(border, int) or border < 0:
        message = f"expected a number of pixels, or 'scale' for as many as the scale, got {border!r}"
        problems.append(Problem(join_path(path, "crop_border"), message))
    elif smallest is not None and 2 * border >= smallest:
        message = f"{border} pixels at each edge leave nothing of images with {smallest}"
        problems.append(Problem(join_path(path, "crop_border"), message))
    elif block["type"] != "calculate_lpips":  # whose network takes a second to load
        tried_border = min(border, SIDE)  # a huge one would have the images fill the memory
        block = {**block, "crop_border": tried_border}
        try_block(problems, lambda tried: _measure(tried, SIDE + 2 * tried_border), block, path=path)


def _measure(block: Options, side: int) -> None:
    one, other = (np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8) for seed in (0, 1))
    metric = registered(METRIC_REGISTRY)[block["type"]]
    value = metric(img=one, img2=other, **arguments_of(block, without=("better",)))
    if not np.isfinite(float(value)):
        raise ValueError(f"the result is {value}")


def compares_with_gt(block: Any) -> bool:
    """Return whether a metric needs GT beside the image, as NIQE does not."""
    metric = registered(METRIC_REGISTRY).get(type_name(block))
    parameter = inspect.signature(metric).parameters.get("img2") if metric else None
    return parameter is not None and parameter.default is parameter.empty


def with_border(block: Any, *, scale: Any) -> Any:
    """Return a metric's block with the border that follows the scale in place of the word `scale`."""
    if isinstance(block, Mapping) and block.get("crop_border") == "scale" and isinstance(scale, int):
        return {**block, "crop_border": scale}
    return block
