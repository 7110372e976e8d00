"""Restoring images in pieces that need less memory, with one IDR for the whole image.

The IDR is a global average: tiles that estimated their own would disagree at their borders. So the average is summed
up tile by tile, exactly: each tile is seen with as much around it as the estimator's convolutions reach.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from kdsr_arch.estimator import DegradationEstimator

# A tile inside an image, in pixels: top, bottom, left, right.
Box = tuple[int, int, int, int]


def estimate_idr(estimator: DegradationEstimator, image: Tensor, *, tile_size: int | None = None) -> Tensor:
    """Give the IDR (B, C) of what an estimator sees, (B, in_channels, H, W), equal to that of the whole image."""
    if tile_size is None:
        return estimator(image)[0]
    height, width = image.shape[2:]
    total: Tensor | float = 0.0
    for box in split(height, width, tile_size):
        outer = grow(box, estimator.reach, height, width)
        features = estimator.extract_features(cut(image, outer))
        total = total + cut(features, relative(box, outer)).sum(dim=(2, 3), dtype=torch.float64)
    return estimator.summarise((total / (height * width)).to(image.dtype))[0]


def super_resolve(network: nn.Module, lq: Tensor, idr: Tensor, *, tile_size: int | None, overlap: int) -> Tensor:
    """Enlarge `lq` (B, 3, H, W), steered by `idr` (B, C), in tiles.

    Args:
        network: a `KDSRStudent` or `KDSRTeacher`.
        tile_size: LQ pixels; None restores the whole image at once.
        overlap: LQ pixels seen around each tile; from `2 * num_block + 4` on, nothing differs from the whole image.
    """
    if tile_size is None:
        return network.super_resolve(lq, idr)
    height, width = lq.shape[2:]
    scale = network.scale
    sr = lq.new_empty(lq.shape[0], 3, height * scale, width * scale)
    for box in split(height, width, tile_size):
        outer = grow(box, overlap, height, width)
        piece = network.super_resolve(cut(lq, outer), idr)
        cut(sr, scaled(box, scale)).copy_(cut(piece, scaled(relative(box, outer), scale)))
    return sr


def split(height: int, width: int, tile_size: int) -> Iterator[Box]:
    """Cover an image with tiles of at most `tile_size` pixels a side."""
    for top in range(0, height, tile_size):
        for left in range(0, width, tile_size):
            yield top, min(top + tile_size, height), left, min(left + tile_size, width)


def grow(box: Box, margin: int, height: int, width: int) -> Box:
    """Add a margin around a tile, as far as the image goes."""
    top, bottom, left, right = box
    return max(top - margin, 0), min(bottom + margin, height), max(left - margin, 0), min(right + margin, width)


def relative(box: Box, outer: Box) -> Box:
    """Give a tile's place inside a larger one."""
    return box[0] - outer[0], box[1] - outer[0], box[2] - outer[2], box[3] - outer[2]


def scaled(box: Box, scale: int) -> Box:
    """Give a tile's place in the enlarged image."""
    top, bottom, left, right = (scale * edge for edge in box)
    return top, bottom, left, right


def cut(image: Tensor, box: Box) -> Tensor:
    """Give a view of a tile of an image (B, C, H, W)."""
    top, bottom, left, right = box
    return image[:, :, top:bottom, left:right]
