"""Restoring images in pieces that need less memory, with one IDR for the whole image.

The IDR is a global average: tiles that estimated their own would disagree at their borders. So the average is summed
up tile by tile, exactly: each tile is seen with as much around it as the estimator's convolutions reach.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kdsr_arch.estimator import DegradationEstimator

if TYPE_CHECKING:
    from kdsr_arch.kdsr import KDSRNetwork

# A tile inside an image, in pixels: top, bottom, left, right.
Box = tuple[int, int, int, int]
# What running out of a GPU's memory raises; PyTorch before 2.5 has it under torch.cuda alone.
OutOfMemoryError = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
# Smaller tiles would spend nearly all their time on what lies around them.
SMALLEST_TILE = 16


def estimate_idr(estimator: DegradationEstimator, image: Tensor, *, tile_size: int | None = None) -> Tensor:
    """Return the IDR (B, C) of what an estimator sees, (B, in_channels, H, W), equal to that of the whole image."""
    if tile_size is None:
        return estimator(image)[0]
    height, width = image.shape[2:]

    def sum_features(piece: Tensor, box: Box) -> Tensor:
        return cut(estimator.extract_features(piece), box).sum(dim=(2, 3), dtype=torch.float64)

    total = sum_up(image, split(height, width, tile_size), sum_features, margin=estimator.reach)
    return estimator.summarise((total / (height * width)).to(image.dtype))[0]


def super_resolve(network: KDSRNetwork, lq: Tensor, idr: Tensor, *, tile_size: int | None, overlap: int) -> Tensor:
    """Enlarge `lq` (B, 3, H, W), steered by `idr` (B, C), in tiles.

    Args:
        network: a `KDSRStudent` or `KDSRTeacher`.
        tile_size: LQ pixels; None restores the whole image at once.
        overlap: LQ pixels seen around each tile; from `2 * num_block + 4` on, nothing differs from the whole image.
    """
    if tile_size is None:
        return network.super_resolve(lq, idr)
    boxes = split(lq.shape[2], lq.shape[3], tile_size)
    return restore(lq, boxes, lambda piece: network.super_resolve(piece, idr), scale=network.scale, margin=overlap)


def restore(
    lq: Tensor, boxes: Iterable[Box], enlarge: Callable[[Tensor], Tensor], *, scale: int, margin: int
) -> Tensor:
    """Enlarge `lq` (B, 3, H, W) tile by tile, each seen with a margin, to (B, 3, sH, sW) of its device and precision.

    Args:
        enlarge: (B, 3, h, w) -> (B, 3, sh, sw).
    """
    height, width = lq.shape[2:]
    sr = lq.new_empty(lq.shape[0], 3, height * scale, width * scale)

    def write_tile(box: Box) -> None:
        seen = grow(box, margin, height, width)
        cut(sr, scaled(box, scale)).copy_(cut(enlarge(cut(lq, seen)), scaled(relative(box, seen), scale)))

    visit(boxes, write_tile)
    return sr


def sum_up(
    image: Tensor,
    boxes: Iterable[Box],
    sum_part: Callable[[Tensor, Box], Tensor],
    *,
    margin: int,
    alignment: int = 1,
) -> Tensor:
    """Sum what comes of each tile of an image (B, C, H, W).

    Args:
        boxes: one at least.
        sum_part: given a tile with its margin, and the tile's place in it.
        alignment: pieces begin at multiples of this many pixels.
    """
    total: Tensor | None = None

    def add_tile(box: Box) -> None:
        nonlocal total
        seen = align(grow(box, margin, *image.shape[2:]), alignment)
        part = sum_part(cut(image, seen), relative(box, seen))
        total = part if total is None else total + part

    visit(boxes, add_tile)
    if total is None:
        raise ValueError("boxes: expected one at least, got none")
    return total


def split(height: int, width: int, tile_size: int | tuple[int, int]) -> Iterator[Box]:
    """Cover an image with tiles of at most `tile_size` pixels a side, or of (height, width)."""
    tile_height, tile_width = (tile_size, tile_size) if isinstance(tile_size, int) else tile_size
    for top in range(0, height, tile_height):
        for left in range(0, width, tile_width):
            yield top, min(top + tile_height, height), left, min(left + tile_width, width)


def split_rows(box: Box, max_pixels: int) -> Iterator[Box]:
    """Cover a tile with strips of its full width, of at most `max_pixels` pixels or of one row."""
    top, bottom, left, right = box
    if left == right:
        return
    rows = max(max_pixels // (right - left), 1)
    for first in range(top, bottom, rows):
        yield first, min(first + rows, bottom), left, right


def plan_tile_size(height: int, width: int, *, margin: int, max_pixels: int) -> tuple[int, int]:
    """Return the tile size (height, width) that costs least where a tile with its margin may have `max_pixels` pixels.

    Raises:
        ValueError: not even tiles of `SMALLEST_TILE` pixels a side fit.
    """
    best = None
    for rows in range(1, math.ceil(height / SMALLEST_TILE) + 1):
        tile_height = math.ceil(height / rows)
        grown_height = min(tile_height + 2 * margin, height)
        room = width if grown_height * width <= max_pixels else max_pixels // grown_height - 2 * margin
        if room < min(SMALLEST_TILE, width):
            continue
        columns = math.ceil(width / room)
        tile_width = math.ceil(width / columns)
        cost = rows * columns * grown_height * min(tile_width + 2 * margin, width)
        if best is None or cost < best[0]:
            best = cost, (tile_height, tile_width)
    if best is None:
        fewest = fewest_pixels(height, width, margin=margin)
        raise ValueError(f"max_pixels: expected at least {fewest}, the smallest tile with its margin, got {max_pixels}")
    return best[1]


def fewest_pixels(height: int, width: int, *, margin: int) -> int:
    """Return the pixels of the smallest tile and its margin."""
    return min(SMALLEST_TILE + 2 * margin, height) * min(SMALLEST_TILE + 2 * margin, width)


def visit(boxes: Iterable[Box], work: Callable[[Box], None]) -> None:
    """Do the work for each tile; where a GPU's memory runs out, halve this tile and those that follow, and go on.

    Raises:
        OutOfMemoryError: memory ran out for a tile that is not larger than `SMALLEST_TILE`.
    """
    pending = list(boxes)
    while pending:
        try:
            work(pending[0])
        except OutOfMemoryError:
            if max(pending[0][1] - pending[0][0], pending[0][3] - pending[0][2]) <= SMALLEST_TILE:
                raise
            pending = [half for box in pending for half in halve(box)]
        else:
            del pending[0]


def halve(box: Box) -> list[Box]:
    """Cut a tile into two across its longer side."""
    top, bottom, left, right = box
    if bottom - top >= right - left:
        middle = (top + bottom + 1) // 2
        return [(top, middle, left, right), (middle, bottom, left, right)]
    middle = (left + right + 1) // 2
    return [(top, bottom, left, middle), (top, bottom, middle, right)]


def intersect(box: Box, other: Box) -> Box:
    """Return what two tiles share; where that is nothing, a tile without pixels."""
    top, left = max(box[0], other[0]), max(box[2], other[2])
    return top, max(min(box[1], other[1]), top), left, max(min(box[3], other[3]), left)


def grow(box: Box, margin: int, height: int, width: int) -> Box:
    """Add a margin around a tile, as far as the image goes."""
    top, bottom, left, right = box
    return max(top - margin, 0), min(bottom + margin, height), max(left - margin, 0), min(right + margin, width)


def align(box: Box, step: int) -> Box:
    """Move a tile's top and left outwards to multiples of `step`."""
    top, bottom, left, right = box
    return top - top % step, bottom, left - left % step, right


def shifted(box: Box, by: Box) -> Box:
    """Return a tile's place in the image from its place inside another: the inverse of `relative`."""
    return box[0] + by[0], box[1] + by[0], box[2] + by[2], box[3] + by[2]


def relative(box: Box, outer: Box) -> Box:
    """Return a tile's place inside a larger one."""
    return box[0] - outer[0], box[1] - outer[0], box[2] - outer[2], box[3] - outer[2]


def scaled(box: Box, scale: int) -> Box:
    """Return a tile's place in the enlarged image."""
    top, bottom, left, right = (scale * edge for edge in box)
    return top, bottom, left, right


def cut(image: Tensor, box: Box) -> Tensor:
    """Return a view of a tile of an image (B, C, H, W)."""
    top, bottom, left, right = box
    return image[:, :, top:bottom, left:right]


def cut_centre(image: Tensor, size: int) -> Tensor:
    """Return a view of the square of `size` pixels in an image's middle, or of what the image has of it."""
    top, left = (max(side - size, 0) // 2 for side in image.shape[2:])
    return image[..., top : top + size, left : left + size]
