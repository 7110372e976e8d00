"""A student's networks in plain PyTorch, in the parts that `ImageRestorer` puts together: any device and precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from kdsr_arch.inference.tiling import Box, cut, split_rows, sum_up
from kdsr_arch.kdsr import KDSRStudent

# Feature maps of C channels that PyTorch holds at once in a block: the shallow ones, input, filtered, convolved, their
# sum, and a copy in the layout of its convolution.
MAPS = 6
# LQ pixels of the estimator's widest layers at once.
WIDE_PIXELS = 2**14


class StudentParts(Protocol):
    """What restores a piece of an image, and the bytes it needs for each of its LQ pixels.

    Attributes:
        alignment: pieces should begin at multiples of this many pixels.
    """

    body_pixel_bytes: int
    estimator_pixel_bytes: int
    alignment: int

    def extract_features(self, lq: Tensor, idr: Tensor) -> Tensor:
        """Return the SR network's features (1, C, H, W) of `lq` (1, 3, H, W), steered by `idr` (1, C)."""

    def sum_features(self, image: Tensor, boxes: Sequence[Box]) -> Tensor:
        """Sum the estimator's features over N parts of an image (1, 3, H, W): (N, 4C), in double precision."""


class PlainStudent:
    """The student's own layers."""

    alignment = 1

    def __init__(self, student: KDSRStudent):
        self.student = student
        map_bytes = MAPS * student.sr_network.conv_first.weight.element_size()
        self.body_pixel_bytes = map_bytes * student.sr_network.conv_first.out_channels
        self.estimator_pixel_bytes = map_bytes * student.estimator.conv_first.out_channels

    def extract_features(self, lq: Tensor, idr: Tensor) -> Tensor:
        """See `StudentParts`."""
        return self.student.sr_network.extract_features(lq, idr)

    def sum_features(self, image: Tensor, boxes: Sequence[Box]) -> Tensor:
        """See `StudentParts`."""
        estimator = self.student.estimator
        dtype = sum_type(image.device)

        def sum_wide(features: Tensor, inner: Box) -> Tensor:
            return cut(estimator.widen(features), inner).sum(dim=(2, 3), dtype=dtype)

        features = estimator.extract_narrow_features(image)
        margin = estimator.wide_reach
        return torch.cat([sum_up(features, split_rows(box, WIDE_PIXELS), sum_wide, margin=margin) for box in boxes])


def sum_type(device: torch.device) -> torch.dtype:
    """Return the precision for sums over an image: double, which Apple's GPUs lack."""
    return torch.float32 if device.type == "mps" else torch.float64
