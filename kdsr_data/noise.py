"""Noise of the second-order degradation, drawn from the generator that is passed in.

BasicSR's functions (`basicsr.data.degradations`) draw from NumPy's global generator in float64; these give the same
distributions several times faster, which the tests compare.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

# Below this mean, the cumulants no longer describe a Poisson variable well enough and it is drawn as such.
SMALLEST_MEAN = 6.0


def add_gaussian_noise(img: np.ndarray, sigma: float, *, is_gray: bool, rng: Generator) -> np.ndarray:
    """Add white Gaussian noise to `img` (H, W, 3), float32 in [0, 1], and clip; gray noise is equal in all channels."""
    shape = (*img.shape[:2], 1) if is_gray else img.shape
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise *= np.float32(sigma)
    return np.clip(img + noise, 0, 1)


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
    return np.clip(img + noise, 0, 1)


def poisson(means: np.ndarray, rng: Generator) -> np.ndarray:
    """Draw Poisson variables of the given means, float32.

    Large means go through a normal variable corrected to the Poisson skewness (Cornish and Fisher, 1938) and rounded;
    small ones are drawn exactly.
    """
    normal = rng.standard_normal(means.shape, dtype=np.float32)
    drawn = np.maximum(np.rint(means + np.sqrt(means) * normal + (normal * normal - 1) / 6), 0)
    small = means < SMALLEST_MEAN
    if small.any():
        drawn[small] = rng.poisson(means[small])
    return drawn
