"""JPEG compression, as cameras, phones and web sites apply it."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np


def compress_jpeg(bgr: np.ndarray, *, quality: int) -> np.ndarray:
    """Compress and decompress a BGR image (H, W, 3), float32 in [0, 1], as JPEG with 4:2:0 chroma; it is clipped.

    Args:
        quality: 0..100, as libjpeg counts.
    """
    levels = cv2.convertScaleAbs(np.clip(bgr, 0, 1), alpha=255)
    _, content = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cast(np.ndarray, cv2.imdecode(content, cv2.IMREAD_COLOR))  # never None: it was written just now
    return decoded.astype(np.float32) / np.float32(255)
