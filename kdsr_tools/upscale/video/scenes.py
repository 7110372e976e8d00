"""Where a film's scenes begin, and the one IDR of each.

A cut is where a frame, shrunk to 32x32, differs from the one before by more than `CUT_DIFFERENCE` a value, and by more
than `CUT_RATIO` times what frames of this scene differed by of late; fades and pans are none. A cut that is missed, or
one too many, costs little: an IDR describes the camera and the coding, which a film seldom changes.

The IDR of a scene is that of its sampled frames as if they were one picture: the estimator's average runs over all of
them.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import torch
from torch import Tensor

THUMBNAIL_SIDE = 32
CUT_DIFFERENCE = 20.0  # of 255
CUT_RATIO = 4.0
NUM_COMPARED = 8
# Frames; a flash is no scene.
SHORTEST_SCENE = 8
# Frames from one sample to the next: half a second, and a twelfth of an estimator's time.
SAMPLE_STEP = 12


class CutDetector:
    """Tells for each frame, (H, W, 3) uint8 or uint16, whether a scene begins with it."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._differences: deque[float] = deque(maxlen=NUM_COMPARED)
        self._length = 0

    def is_cut(self, pixels: np.ndarray) -> bool:
        """Take the next frame; the first one of a film begins a scene."""
        scale = 1.0 if pixels.dtype == np.uint8 else 1 / 257
        small = cv2.resize(pixels, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        small *= scale
        last, self._last = self._last, small
        self._length += 1
        if last is None:
            return True
        difference = float(np.abs(small - last).mean())
        usual = sum(self._differences) / max(len(self._differences), 1)
        if self._length > SHORTEST_SCENE and difference > max(CUT_DIFFERENCE, CUT_RATIO * usual):
            self._differences.clear()
            self._length = 1
            return True
        self._differences.append(difference)
        return False


class FeatureMean:
    """The mean of an estimator's pooled features over frames."""

    def __init__(self) -> None:
        self._total: Tensor | float = 0.0
        self._count = 0

    def add(self, features: Tensor) -> None:
        """Take the features (1, F) of one more frame."""
        self._total = self._total + features.cpu().to(torch.float64)
        self._count += 1

    def take(self) -> Tensor | None:
        """Return the mean (1, F) of what was added, None of nothing, and begin anew."""
        total, count = self._total, self._count
        self._total, self._count = 0.0, 0
        return total / count if isinstance(total, Tensor) else None
