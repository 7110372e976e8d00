"""JPEG's quality as libjpeg counts it, against how coarsely it quantises, in which heads think."""

from __future__ import annotations

import numpy as np

# Percent of the standard's tables at which the scale turns from lines to logarithms.
TURN = 10.0


def to_coarseness(quality: np.ndarray) -> np.ndarray:
    """Turn qualities 1..100 into logarithms of libjpeg's factor on its quantisation tables; 100 becomes 0."""
    percent = np.where(quality < 50, 5000 / np.maximum(quality, 1), 200 - 2.0 * np.asarray(quality))
    return np.log1p(percent / TURN)


def to_quality(coarseness: float) -> float:
    """Turn such a logarithm into a quality, 1..100."""
    percent = TURN * np.expm1(max(coarseness, 0.0))
    return float(np.clip(100 - percent / 2 if percent <= 100 else 5000 / percent, 1, 100))
