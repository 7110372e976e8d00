"""LPIPS as a metric of BasicSR's validation, where the package `lpips` is installed (arXiv 1801.03924)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from basicsr.utils import img2tensor
from basicsr.utils.registry import METRIC_REGISTRY
from torch import nn

from kdsr_model.perceptual.lpips_network import build_lpips


@METRIC_REGISTRY.register()
def calculate_lpips(
    img: np.ndarray, img2: np.ndarray, crop_border: int, net: str = "alex", weights: str | None = None, **kwargs: Any
) -> float:
    """Compare two BGR uint8 images (H, W, 3) as people see them: 0 for equal ones, lower is better.

    Args:
        crop_border: pixels left out at each edge.
        net: 'alex', which the field reports, 'vgg' or 'squeeze'.
        weights: the file with that network's convolutions; None: from torch's cache.
    """
    border = slice(crop_border, -crop_border or None)
    one, other = (
        img2tensor(np.ascontiguousarray(image[border, border], dtype=np.float32))[None] / 127.5 - 1
        for image in (img, img2)
    )
    with torch.inference_mode():
        return float(_load(net, weights)(one, other))


@lru_cache(maxsize=2)  # a comparison asks both networks about each picture
def _load(net: str, weights: str | None) -> nn.Module:
    return build_lpips(net, weights)
