"""Noise of the second-order degradation, drawn from the generator that is passed in.

BasicSR's functions (`basicsr.data.degradations`) draw from NumPy's global generator in float64; these give the same
distributions several times faster, which the tests compare.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.random import Generator

# Below this mean, the cumulants no longer describe a Poisson variable well enough and it is drawn as such.
SMALLEST_MEAN = 6.0


def add_gaussian_noise(img: np.ndarray, sigma: float, *, is_gray: bool, rng: Generator) -> np.ndarray:
    """Add white Gaussian noise to `img` (H, W, 3), float32 in [0, 1], and clip; gray noise is equal in all channels."""
    shape = (*img.shape[:2], 1) if is_gray else img.shape
    noise = standard_normal(shape, rng)
    noise *= np.float32(sigma)
    return _add_and_clip(img, noise)


def add_poisson_noise(img: np.ndarray, strength: float, *, is_gray: bool, rng: Generator) -> np.ndarray:
    """Add shot noise to `img` (H, W, 3), BGR float32 in [0, 1], and clip.

    The image, rounded to 8 bit, is taken as counts of `vals` photons at white, `vals` the power of two from the number
    of its levels on; the deviation of the counts is scaled by `strength`.
    """
    source = cv2.cvtColor(img, cv2.COLOR_BGR2GRAY)[..., None] if is_gray else img
    levels = cv2.convertScaleAbs(np.clip(source, 0, 1), alpha=255).reshape(source.shape)
    count = np.count_nonzero(np.bincount(levels.ravel(), minlength=256))
    vals = 2.0 ** np.ceil(np.log2(count))
    means = levels.astype(np.float32) * np.float32(vals / 255)
    noise = (poisson(means, rng) - means) * np.float32(strength / vals)
    return _add_and_clip(img, noise)


def _add_and_clip(img: np.ndarray, noise: np.ndarray) -> np.ndarray:
    noisy = img + noise
    return np.clip(noisy, 0, 1, out=noisy)


def standard_normal(shape: tuple[int, ...], rng: Generator) -> np.ndarray:
    """Draw standard normal variables, float32, by PyTorch's generator, three times as fast as NumPy's."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    return torch.randn(shape, generator=generator).numpy()


def poisson(means: np.ndarray, rng: Generator) -> np.ndarray:
    """Draw Poisson variables of the given means, float32.

    Large means go through a normal variable corrected to the Poisson skewness (Cornish and Fisher, 1938) and rounded;
    small ones are drawn exactly.
    """
    drawn = standard_normal(means.shape, rng)
    skewness = (drawn * drawn - 1) / 6
    drawn *= np.sqrt(means)  # in place from here on: memory costs more time than arithmetic
    drawn += means
    drawn += skewness
    np.maximum(np.rint(drawn, out=drawn), 0, out=drawn)
    small = means < SMALLEST_MEAN
    if small.any():
        drawn[small] = rng.poisson(means[small])
    return drawn
