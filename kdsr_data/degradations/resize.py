"""Bicubic resizing in MATLAB's convention, for any edge rule.

The weights are BasicSR's (`basicsr.utils.matlab_functions`). Its `imresize` always mirrors the edge and loops over
rows in Python; here the same weights become one sparse matrix for each direction, with the edge rule folded in.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from basicsr.utils.matlab_functions import calculate_weights_indices
from scipy import sparse

Edge = Literal["replicate", "mirror"]


def bicubic_resize(img: np.ndarray, scale: float, *, edge: Edge = "replicate") -> np.ndarray:
    """Resize an image (H, W, C) or (H, W) by the factor `scale` (0.25 for a quarter), antialiased when it shrinks.

    Args:
        edge: what lies beyond the border: the border pixel again (the KDSR authors' resizing), or the mirrored
            image (MATLAB's and BasicSR's).

    Returns:
        float32, ceil(H * scale) x ceil(W * scale), not clipped.
    """
    height, width = img.shape[:2]
    rows = _resize_matrix(height, scale, edge)
    columns = _resize_matrix(width, scale, edge)
    halfway = (rows @ img.reshape(height, -1)).reshape(rows.shape[0], width, -1)
    sideways = np.ascontiguousarray(halfway.transpose(1, 0, 2)).reshape(width, -1)
    resized = (columns @ sideways).reshape(columns.shape[0], rows.shape[0], -1).transpose(1, 0, 2)
    return np.ascontiguousarray(resized, dtype=np.float32).reshape(*resized.shape[:2], *img.shape[2:])


@lru_cache(maxsize=64)
def _resize_matrix(length: int, scale: float, edge: Edge) -> sparse.csr_matrix:
    out_length = math.ceil(length * scale)
    weights, indices, padding, _ = calculate_weights_indices(length, out_length, scale, "cubic", 4, True)
    sources = indices.numpy().astype(np.int64) - padding  # positions in the image, beyond its edges too
    sources = _fold_edge(sources, length, edge)
    rows = np.repeat(np.arange(out_length), sources.shape[1])
    entries = (weights.numpy().ravel(), (rows, sources.ravel()))
    return sparse.csr_matrix(entries, shape=(out_length, length), dtype=np.float32)


def _fold_edge(positions: np.ndarray, length: int, edge: Edge) -> np.ndarray:
    if edge == "replicate":
        return positions.clip(0, length - 1)
    # The mirror repeats the border pixel, and goes on mirroring where the image is narrower than the filter.
    wrapped = positions % (2 * length)
    return np.minimum(wrapped, 2 * length - 1 - wrapped)
