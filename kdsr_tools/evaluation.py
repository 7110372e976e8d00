"""Restorers, and BasicSR's metrics under the field's rules.

PSNR and SSIM on the Y channel, borders of `scale` pixels cropped, SR rounded to 8 bit (arXiv 2211.16928, section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from basicsr.metrics import calculate_metric
from torch import Tensor

from kdsr_data.degradations import bicubic_resize

Restorer = Callable[[Tensor], Tensor]  # lq (1, 3, H, W) in [0, 1] -> SR (1, 3, sH, sW), not clamped
METRICS = {"psnr": "calculate_psnr", "ssim": "calculate_ssim"}


def bicubic_restorer(scale: int) -> Restorer:
    """Make the baseline of the field: bicubic enlargement, MATLAB's convention."""

    def restore(lq: Tensor) -> Tensor:
        image = lq[0].permute(1, 2, 0).cpu().numpy()
        return torch.from_numpy(bicubic_resize(image, scale)).permute(2, 0, 1)[None]

    return restore


def score(sr: np.ndarray, gt: np.ndarray, *, scale: int, metrics: Iterable[str] = tuple(METRICS)) -> dict[str, float]:
    """Compare two BGR uint8 images (H, W, 3); PSNR in dB."""
    images = {"img": sr, "img2": gt}
    options = {"crop_border": scale, "test_y_channel": True}
    return {name: float(calculate_metric(images, {"type": METRICS[name], **options})) for name in metrics}
