"""Crops damaged in known ways: what heads learn from, and what they are tested on.

Blur, noise and JPEG come or stay away independently of each other, in the ranges that blind models train on
(`options/blind/`), so that no head can tell one of them by another; some crops have none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from kdsr_data.degradations import bicubic_resize, round_to_8_bit
from kdsr_data.degradations.compression import compress_jpeg
from kdsr_data.degradations.kernels import anisotropic_gaussian_kernel

CLEAN_SHARE = 0.08
ROUND_SHARE, ELONGATED_SHARE = 0.4, 0.4  # of the others; the rest has no blur
NOISY_SHARE, COMPRESSED_SHARE = 0.6, 0.6
SIGMA = (0.2, 4.0)  # pixels of GT at x4; in proportion at other scales
LARGEST_NOISE = 30.0
QUALITY = (25, 97)
KERNEL_SIZE = 21
# What nobody would call damage: pixels of GT at x4, levels of 255, libjpeg's quality.
CLEAN_BLUR, CLEAN_NOISE, CLEAN_QUALITY = 0.8, 1.5, 95


@dataclass(frozen=True)
class Damage:
    """What happened to a crop.

    Args:
        sigmas: standard deviations of a Gaussian blur along its axes, in pixels of GT; zeros are none.
        degrees: of its first axis, clockwise from the horizontal.
        noise: level of white noise, of 255.
        quality: of JPEG, as libjpeg counts; None is no compression.
    """

    sigmas: tuple[float, float] = (0.0, 0.0)
    degrees: float = 0.0
    noise: float = 0.0
    quality: int | None = None

    @property
    def width(self) -> float:
        """The root of the mean square of both standard deviations, in pixels of GT."""
        return float(np.hypot(*self.sigmas) / np.sqrt(2))

    @property
    def is_clean(self) -> bool:
        """Whether nobody would call it damage."""
        is_compressed = self.quality is not None and self.quality < CLEAN_QUALITY
        return self.width < CLEAN_BLUR and self.noise < CLEAN_NOISE and not is_compressed


def draw_damage(rng: Generator, *, scale: int) -> Damage:
    """Draw what happens to a crop."""
    if rng.random() < CLEAN_SHARE:
        return Damage()
    shape = rng.random()
    first, second = (float(sigma) for sigma in rng.uniform(*SIGMA, 2) * scale / 4)
    degrees = float(rng.uniform(0, 180))
    noise = float(rng.uniform(0, LARGEST_NOISE)) if rng.random() < NOISY_SHARE else 0.0
    quality = int(rng.integers(*QUALITY, endpoint=True)) if rng.random() < COMPRESSED_SHARE else None
    if shape < ROUND_SHARE:
        return Damage((first, first), 0.0, noise, quality)
    if shape < ROUND_SHARE + ELONGATED_SHARE:
        return Damage((first, second), degrees, noise, quality)
    return Damage(noise=noise, quality=quality)


def apply_damage(gt: np.ndarray, damage: Damage, *, scale: int, rng: Generator) -> np.ndarray:
    """Make the LQ image (ceil(H/s), ceil(W/s), 3) of `gt` (H, W, 3), both RGB float32 in [0, 1].

    Blur, bicubic downsampling, noise and JPEG, in this order, as `ClassicDegradation` does.
    """
    if min(damage.sigmas) > 0:
        kernel = anisotropic_gaussian_kernel(KERNEL_SIZE, *damage.sigmas, np.deg2rad(damage.degrees))
        gt = cv2.filter2D(gt, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    lq = bicubic_resize(gt, 1 / scale)
    if damage.noise > 0:
        lq = lq + np.float32(damage.noise / 255) * rng.standard_normal(lq.shape, dtype=np.float32)
    if damage.quality is not None:
        lq = compress_jpeg(np.ascontiguousarray(lq[..., ::-1]), quality=damage.quality)[..., ::-1]
    return round_to_8_bit(lq)
