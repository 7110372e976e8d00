"""Restoring whole images of any size: exact, within a memory limit, and fast on a CPU.

The IDR is one for the whole image and summed up piecewise (see `tiling`). The SR network's blocks keep few feature maps
of the LQ's size; its upsampler, whose maps are s^2 times larger, runs in strips (see `reconstruction`). Where not even
the former fit, both networks run in tiles that see as much around them as their convolutions reach. All of these give
the result of the whole image, up to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kdsr_arch.kdsr_arch import KDSRStudent
from kdsr_arch.reconstruction import REACH, Reconstruction
from kdsr_arch.tiling import (
    Box,
    cut,
    fewest_pixels,
    grow,
    plan_tile_size,
    relative,
    split,
    split_rows,
    visit,
)

# Bytes; enough for 1080x1920 LQ pixels with KDSR-M, and little for a machine that can run it in reasonable time.
DEFAULT_MAX_MEMORY = 2 * 2**30
# Feature maps of C channels that PyTorch holds at once in a block: input, filtered, convolved, their sum, the shallow
# ones, and a copy in the layout of its convolution.
PLAIN_MAPS = 6
# Bytes for strips, which are small against the maps and do not grow with the image.
STRIP_BYTES = 100 * 2**20
STRIP_PIXELS = 4096


class ImageRestorer:
    """Restores whole images with a KDSRStudent: exact, within a memory limit, fast on a CPU.

    It prepares itself from the network's weights: after changing them, make a new one.

    Args:
        max_memory: bytes for working memory beyond weights and result; None is 2 GiB on a CPU, and elsewhere all there
            is. Where a GPU's memory runs out, tiles are halved, and it goes on.
        tile_size: LQ pixels of a tile's side, instead of what `max_memory` allows.
        fast: use the shortcuts of `reconstruction` and, for fp32 on a CPU, the convolutions of `fast_conv`; otherwise,
            the network's own layers alone.
    """

    def __init__(
        self,
        student: KDSRStudent,
        *,
        max_memory: int | None = None,
        tile_size: int | None = None,
        fast: bool = True,
    ):
        if tile_size is not None and tile_size < 1:
            raise ValueError(f"tile_size: expected at least 1 pixel, got {tile_size}")
        self.student = student
        self.tile_size = tile_size
        self.fast = fast
        if max_memory is None and _like(student).device.type == "cpu":
            max_memory = DEFAULT_MAX_MEMORY
        self.max_memory = max_memory
        self.reconstruction = Reconstruction(student.sr_network, merge=fast)

    def __call__(self, lq: Tensor, *, idr: Tensor | None = None) -> Tensor:
        """Enlarge `lq` (1, 3, H, W), RGB in [0, 1], to (1, 3, sH, sW), not clamped; `idr` (1, C) replaces its own."""
        return self.super_resolve(lq, self.estimate_idr(lq) if idr is None else idr)

    @torch.no_grad()
    def estimate_idr(self, lq: Tensor) -> Tensor:
        """Give the IDR (1, C) of `lq` (1, 3, H, W), RGB in [0, 1], as fp32; equal to the whole image's.

        Raises:
            ValueError: `lq` has another shape, or `max_memory` is too small.
        """
        height, width = _size(lq)
        estimator = self.student.estimator
        total = torch.zeros(1, estimator.linear1.in_features, dtype=torch.float64, device=_like(self.student).device)

        def add_tile(box: Box) -> None:
            outer = grow(box, estimator.reach, height, width)
            total.add_(self._sum_features(self._to_network(cut(lq, outer)), relative(box, outer)))

        num_feat = estimator.conv_first.out_channels
        visit(self._plan(height, width, num_feat=num_feat, margin=estimator.reach), add_tile)
        idr, _ = estimator.summarise((total / (height * width)).to(_like(self.student).dtype))
        return idr.to(lq.device, torch.float32)

    @torch.no_grad()
    def super_resolve(self, lq: Tensor, idr: Tensor) -> Tensor:
        """Enlarge `lq` (1, 3, H, W), RGB in [0, 1], steered by `idr` (1, C), to fp32 (1, 3, sH, sW), not clamped.

        Raises:
            ValueError: `lq` has another shape, or `max_memory` is too small.
        """
        height, width = _size(lq)
        scale = self.student.scale
        network = self.student.sr_network
        sr = lq.new_empty(1, 3, height * scale, width * scale, dtype=torch.float32)
        idr = self._to_network(idr)
        reach = 2 * len(network.blocks) + 2

        def write_tile(box: Box) -> None:
            needed = grow(box, REACH, height, width)
            seen = grow(needed, reach, height, width)
            features = network.extract_features(self._to_network(cut(lq, seen)), idr)
            self.reconstruction.write(sr, features, outer=seen, box=box)

        num_feat = network.conv_first.out_channels
        visit(self._plan(height, width, num_feat=num_feat, margin=reach + REACH), write_tile)
        return sr

    def _sum_features(self, image: Tensor, box: Box) -> Tensor:
        """Sum the estimator's features over a part of what it sees, (1, 3, h, w) -> (1, 4C), in double precision."""
        estimator = self.student.estimator
        features = estimator.extract_narrow_features(image)
        total: Tensor | float = 0.0
        for strip in split_rows(box, STRIP_PIXELS):
            seen = grow(strip, estimator.wide_reach, *image.shape[2:])
            wide = estimator.widen(cut(features, seen))
            total = total + cut(wide, relative(strip, seen)).sum(dim=(2, 3), dtype=torch.float64)
        return total

    def _plan(self, height: int, width: int, *, num_feat: int, margin: int) -> list[Box]:
        """Cover the image with tiles that fit into the memory."""
        if self.tile_size is not None:
            return list(split(height, width, self.tile_size))
        if self.max_memory is None:
            return [(0, height, 0, width)]
        pixel_bytes = PLAIN_MAPS * num_feat * _like(self.student).element_size()
        max_pixels = (self.max_memory - STRIP_BYTES) // pixel_bytes
        fewest = fewest_pixels(height, width, margin=margin)
        if max_pixels < fewest:
            raise ValueError(
                f"max_memory: expected at least {STRIP_BYTES + fewest * pixel_bytes} bytes for this network and image "
                f"of {height}x{width} pixels, got {self.max_memory}; raise it, or set tile_size"
            )
        return list(split(height, width, plan_tile_size(height, width, margin=margin, max_pixels=max_pixels)))

    def _to_network(self, tensor: Tensor) -> Tensor:
        return tensor.to(_like(self.student))


def _like(student: KDSRStudent) -> Tensor:
    return student.sr_network.conv_first.weight


def _size(lq: Tensor) -> tuple[int, int]:
    if lq.ndim != 4 or lq.shape[:2] != (1, 3) or 0 in lq.shape:
        raise ValueError(f"lq: expected one image (1, 3, H, W), got {tuple(lq.shape)}")
    return lq.shape[2], lq.shape[3]
