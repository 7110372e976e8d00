"""Simple statistics of LQ images, by which our second-order degradation is compared with BasicSR's.

Run as a script, this measures BasicSR's side, some minutes, and writes the file that the test reads:
`python tests/data/second_order_statistics.py`. It is measured twice: as it is, with its differentiable stand-in for
JPEG, which repeats chroma pixels where decoders interpolate them, and with OpenCV's JPEG in its place.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
import torch
from basicsr.models.realesrgan_model import RealESRGANModel

from kdsr_compat.devices import support_cpu_degradation
from kdsr_tools.benchmark import degradation as benchmark

REFERENCE = Path(__file__).parent / "golden" / "second_order_statistics.npz"
NUM_SAMPLES = {"with_opencv_jpeg": 2000, "as_it_is": 1000}
SIZE = 160


def test_image() -> np.ndarray:
    """Return the one image that both sides degrade, (160, 160, 3) RGB uint8."""
    return skimage.data.astronaut()[120 : 120 + SIZE, 176 : 176 + SIZE]


def statistics(lq: np.ndarray) -> dict[str, float]:
    """Describe an LQ image (H, W, 3), RGB in [0, 1]."""
    levels = lq.astype(np.float32) * 255
    gray = cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY)
    steps = np.abs(np.diff(gray, axis=1))
    detail = gray - cv2.GaussianBlur(gray, (0, 0), 1)
    chroma = levels[..., 0] - levels[..., 1]
    blue = levels[..., 2] - gray
    coarse_blue = cv2.resize(blue, (blue.shape[1] // 2, blue.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return {
        "mean": float(levels.mean()),
        "spread": float(levels.std()),
        "sharpness": float(steps.mean()),
        "detail": float(detail.std()),
        "noise": float(np.median(np.abs(cv2.Laplacian(gray, cv2.CV_32F)))),
        "colour noise": float(np.median(np.abs(cv2.Laplacian(chroma, cv2.CV_32F)))),
        # Of pixels as JPEG stores chroma: what the first JPEG takes away.
        "coarse colour noise": float(np.abs(cv2.Laplacian(coarse_blue, cv2.CV_32F)).mean()),
        "flat share": float((np.abs(np.diff(levels, axis=1)) < 0.5).mean()),
        "black or white share": float(((levels < 0.5) | (levels > 254.5)).mean()),
    }


def blockiness(lq: np.ndarray) -> float:
    """Compare the steps between columns at the borders of 8x8 blocks with those elsewhere; 1 without blocks."""
    steps = np.abs(np.diff(cv2.cvtColor(lq.astype(np.float32), cv2.COLOR_RGB2GRAY), axis=1)).mean(axis=0)
    at_border = np.arange(1, len(steps) + 1) % 8 == 0
    return float((steps[at_border].mean() + 1e-4) / (steps[~at_border].mean() + 1e-4))


def describe(lq: np.ndarray) -> list[float]:
    """List all statistics of an uncropped LQ image."""
    return [*statistics(lq).values(), blockiness(lq)]


NAMES = (*statistics(np.zeros((8, 8, 3))), "blockiness")


def opencv_jpeg(img: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Stand in for BasicSR's DiffJPEG: (1, 3, H, W) RGB in [0, 1], quality (1,)."""
    bgr = (img[0].permute(1, 2, 0).numpy()[..., ::-1] * 255).round().astype(np.uint8)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(float(quality))])
    rgb = cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255
    return torch.from_numpy(rgb).permute(2, 0, 1)[None]


def measure_basicsr(num_samples: int, *, jpeger: Callable | None = None) -> np.ndarray:
    """Measure BasicSR's pipeline, (samples, statistics)."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (what BasicSR draws from)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        cv2.imwrite(f"{folder}/image.png", test_image()[..., ::-1])
        (Path(folder) / "meta_info.txt").write_text("image.png")
        # Without sharpening of GT, which is no part of the degradation.
        data_set, model = benchmark.basicsr_objects(Path(folder), sharpen=False)
        model.opt["gt_size"], data_set.opt["use_hflip"] = SIZE, False
        model.jpeger = jpeger or model.jpeger
        return np.array([describe(_degrade(data_set[0], model)) for _ in range(num_samples)])


def _degrade(sample: dict[str, Any], model: RealESRGANModel) -> np.ndarray:
    # BasicSR's data set pads small images to the right and below.
    sample["gt"] = sample["gt"][:, :SIZE, :SIZE]
    return benchmark.feed_basicsr(model, sample)[0].permute(1, 2, 0).numpy()


if __name__ == "__main__":
    torch.set_num_threads(1)
    support_cpu_degradation()
    as_it_is = measure_basicsr(NUM_SAMPLES["as_it_is"])
    with_opencv_jpeg = measure_basicsr(NUM_SAMPLES["with_opencv_jpeg"], jpeger=opencv_jpeg)
    np.savez_compressed(
        REFERENCE, as_it_is=as_it_is.astype(np.float32), with_opencv_jpeg=with_opencv_jpeg.astype(np.float32)
    )
