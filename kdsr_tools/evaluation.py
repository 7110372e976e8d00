"""Measuring restorers on a benchmark, with BasicSR's metrics under the field's rules.

PSNR and SSIM on the Y channel, borders of `scale` pixels cropped, SR rounded to 8 bit (arXiv 2211.16928, section 4.1).
"""

from __future__ import annotations

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from basicsr.metrics import calculate_metric
from basicsr.utils import tensor2img
from torch import Tensor

from kdsr_data import BlindSRBenchmarkDataset
from kdsr_data.degradations import bicubic_resize
from kdsr_tools.networks import load_network

Restorer = Callable[[Tensor], Tensor]  # lq (1, 3, H, W) in [0, 1] -> SR (1, 3, sH, sW), not clamped
METRICS = {"PSNR": "calculate_psnr", "SSIM": "calculate_ssim"}


class Result(NamedTuple):
    """One image restored under one setting by one restorer, BGR uint8 as BasicSR's metrics take it."""

    restorer: str
    image: str
    setting: str
    sr: np.ndarray
    scores: dict[str, float]


def bicubic_restorer(scale: int) -> Restorer:
    """Make the baseline of the field: bicubic enlargement, MATLAB's convention."""

    def restore(lq: Tensor) -> Tensor:
        image = lq[0].permute(1, 2, 0).cpu().numpy()
        return torch.from_numpy(bicubic_resize(image, scale)).permute(2, 0, 1)[None]

    return restore


def network_restorer(network: Mapping[str, Any], weights: Path, *, device: torch.device) -> Restorer:
    """Make a restorer of any network registered in BasicSR.

    Args:
        network: an option file's `network_g` block with its scale.
        weights: a checkpoint, wrapped or bare.

    Raises:
        OSError, ValueError: the weights cannot be read or do not fit.
    """
    net = load_network(weights, network_options=network).network.to(device)

    def restore(lq: Tensor) -> Tensor:
        with torch.inference_mode():
            return net(lq.to(device))

    return restore


def evaluate(benchmark: BlindSRBenchmarkDataset, restorers: Mapping[str, Restorer], *, scale: int) -> Iterator[Result]:
    """Restore every image of the benchmark under every setting by every restorer, and score the results."""
    for sample in benchmark:
        gt = tensor2img(sample["gt"])
        for name, restore in restorers.items():
            sr = tensor2img(restore(sample["lq"][None]).float().cpu())
            yield Result(name, Path(sample["gt_path"]).stem, sample["setting"], sr, score(sr, gt, scale=scale))


def score(sr: np.ndarray, gt: np.ndarray, *, scale: int) -> dict[str, float]:
    """Compare two BGR uint8 images (H, W, 3); PSNR in dB."""
    return {
        name: float(
            calculate_metric({"img": sr, "img2": gt}, {"type": kind, "crop_border": scale, "test_y_channel": True})
        )
        for name, kind in METRICS.items()
    }
