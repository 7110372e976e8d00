"""Restoring whole images of any size: exact, within a memory limit, and fast on a CPU.

The IDR is one for the whole image and summed up piecewise (see `tiling`). The SR network's blocks keep few feature maps
of the LQ's size; its upsampler, whose maps are s^2 times larger, is merged into one convolution or runs in pieces (see
`reconstruction`). Where not even the former fit, both networks run in tiles that see as much around them as their
convolutions reach. All of these give the result of the whole image, up to rounding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kdsr_arch.inference import tiling
from kdsr_arch.inference.merging import REACH
from kdsr_arch.inference.plain_student import PlainStudent, StudentParts
from kdsr_arch.inference.reconstruction import Reconstruction
from kdsr_arch.inference.tiling import Box, align, cut, grow, intersect, relative
from kdsr_arch.inference.winograd import report_failure
from kdsr_arch.kdsr import KDSRStudent

# LQ pixels a side of a crop that tells the IDR as well as the whole, as a rule; estimators train on patches of 64.
CROP_SIZE = 128
# Bytes; enough for 1080x1920 LQ pixels with KDSR-M, and little for a machine that can run it in reasonable time.
DEFAULT_MAX_MEMORY = 2 * 2**30
# Bytes for pieces of the widest layers, which do not grow with the image.
PIECES_BYTES = 128 * 2**20
# LQ pixels of an image, and multiplications for it, from which on the fast path is faster; preparing it takes a second,
# which pays for a network and images of this size where there are several dozen.
FEWEST_FAST_PIXELS = 64 * 64
FEWEST_FAST_MULTIPLICATIONS = 5 * 10**9


class ImageRestorer:
    """Restores whole images with a KDSRStudent: exact, within a memory limit, fast on a CPU.

    It prepares itself from the network's weights: after changing them, make a new one.

    Args:
        max_memory: bytes for working memory beyond weights and result; None is 2 GiB on a CPU, and elsewhere all there
            is. Where a GPU's memory runs out, tiles are halved, and it goes on.
        tile_size: LQ pixels of a tile's side, instead of what `max_memory` allows.
        fast: merge the upsampler into one convolution, and for fp32 on a CPU, use the convolutions of `fast_conv` if
            they work here; otherwise, the network's own layers alone.
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
        self.like = student.sr_network.conv_first.weight.detach()  # for device and precision
        if max_memory is None and self.like.device.type == "cpu":
            max_memory = DEFAULT_MAX_MEMORY
        self.max_memory = max_memory
        self.reconstruction = Reconstruction(student.sr_network, merge=fast)
        self.pixel_cost = _count_multiplications(student)
        self.plain_parts = PlainStudent(student)
        self.fast_parts: StudentParts | None = None

    def __call__(self, lq: Tensor, *, idr: Tensor | None = None) -> Tensor:
        """Enlarge `lq` (1, 3, H, W), RGB in [0, 1], to (1, 3, sH, sW), not clamped; `idr` (1, C) replaces its own."""
        return self.super_resolve(lq, self.estimate_idr(lq) if idr is None else idr)

    def estimate_idr(self, lq: Tensor) -> Tensor:
        """Return the IDR (1, C) of `lq` (1, 3, H, W), RGB in [0, 1], as fp32; equal to the whole image's.

        Raises:
            ValueError: `lq` has another shape, or `max_memory` is too small.
        """
        return self.summarise(self.pool_features(lq)).to(lq.device)

    @torch.no_grad()
    def pool_features(self, lq: Tensor) -> Tensor:
        """Return the average (1, F) of the estimator's features over `lq` (1, 3, H, W), RGB in [0, 1].

        The mean of several images' averages, through `summarise`, is the IDR of all of them as if they were one.

        Raises:
            ValueError: `lq` has another shape, or `max_memory` is too small.
        """
        height, width = _size(lq)
        estimator, parts = self.student.estimator, self._parts(lq)
        boxes = self._plan(height, width, pixel_bytes=parts.estimator_pixel_bytes, margin=estimator.reach)
        total = tiling.sum_up(
            lq,
            boxes,
            lambda piece, box: parts.sum_features(piece.to(self.like), [box]),
            margin=estimator.reach,
            alignment=parts.alignment,
        )
        return total / (height * width)

    @torch.no_grad()
    def pool_tiles(self, lq: Tensor, *, tile_size: int) -> tuple[Tensor, Tensor]:
        """Return the averages (1, F) over `lq` (1, 3, H, W) as `pool_features` does, and those over each of its tiles.

        Args:
            tile_size: LQ pixels of a tile's side; those at the right and at the bottom may be smaller.

        Returns:
            (1, F) and (rows, columns, F), for hardly more than the price of the first alone.

        Raises:
            ValueError: as `pool_features`.
        """
        height, width = _size(lq)
        margin, parts = self.student.estimator.reach, self._parts(lq)
        cells = list(tiling.split(height, width, tile_size))
        sums: dict[Box, Tensor] = {}

        def add_piece(piece: Box) -> None:
            seen = align(grow(piece, margin, height, width), parts.alignment)
            parts_of_cells = ((cell, intersect(cell, piece)) for cell in cells)
            shared = [(cell, part) for cell, part in parts_of_cells if part[0] < part[1] and part[2] < part[3]]
            found = parts.sum_features(cut(lq, seen).to(self.like), [relative(part, seen) for _, part in shared])
            for (cell, _), total in zip(shared, found, strict=True):
                sums[cell] = sums[cell] + total if cell in sums else total

        tiling.visit(self._plan(height, width, pixel_bytes=parts.estimator_pixel_bytes, margin=margin), add_piece)
        totals = torch.stack([sums[cell] for cell in cells])
        areas = torch.tensor([(bottom - top) * (right - left) for top, bottom, left, right in cells]).to(totals)
        columns = math.ceil(width / tile_size)
        return totals.sum(dim=0, keepdim=True) / (height * width), (totals / areas[:, None]).unflatten(0, (-1, columns))

    @torch.no_grad()
    def summarise(self, features: Tensor) -> Tensor:
        """Turn averages (N, F) into IDRs (N, C), as fp32."""
        return self._summarise(features)[0]

    @torch.no_grad()
    def summarise_to_idr_prime(self, features: Tensor) -> Tensor:
        """Turn averages (N, F) into IDR's (N, F), as fp32."""
        return self._summarise(features)[1]

    def _summarise(self, features: Tensor) -> tuple[Tensor, Tensor]:
        idr, idr_prime = self.student.estimator.summarise(features.to(self.like))
        return idr.to(torch.float32), idr_prime.to(torch.float32)

    @torch.no_grad()
    def super_resolve(self, lq: Tensor, idr: Tensor) -> Tensor:
        """Enlarge `lq` (1, 3, H, W), RGB in [0, 1], steered by `idr` (1, C), to fp32 (1, 3, sH, sW), not clamped.

        Raises:
            ValueError: `lq` or `idr` has another shape, or `max_memory` is too small.
        """
        height, width = _size(lq)
        scale, parts = self.student.scale, self._parts(lq)
        self._check_idr(idr)
        idr = idr.to(self.like)
        margin = 2 * len(self.student.sr_network.blocks) + 2 + REACH  # a convolution's reach is one pixel
        sr = lq.new_empty(1, 3, height * scale, width * scale, dtype=torch.float32)

        def write_tile(box: Box) -> None:
            seen = align(grow(box, margin, height, width), parts.alignment)
            features = parts.extract_features(cut(lq, seen).to(self.like), idr)
            self.reconstruction.write(sr, features, outer=seen, box=box)

        tiling.visit(self._plan(height, width, pixel_bytes=parts.body_pixel_bytes, margin=margin), write_tile)
        return sr

    def _parts(self, lq: Tensor) -> StudentParts:
        """Choose what restores this image."""
        pixels = lq.shape[2] * lq.shape[3]
        is_large = pixels >= FEWEST_FAST_PIXELS and pixels * self.pixel_cost >= FEWEST_FAST_MULTIPLICATIONS
        if not self.fast or not is_large or self.like.device.type != "cpu" or self.like.dtype != torch.float32:
            return self.plain_parts
        if self.fast_parts is None:
            self.fast_parts = _make_fast_parts(self.student) or self.plain_parts
        return self.fast_parts

    def _plan(self, height: int, width: int, *, pixel_bytes: int, margin: int) -> list[Box]:
        """Cover the image with tiles that fit into the memory."""
        size = self.tile_size or (height, width)
        if self.tile_size is None and self.max_memory is not None:
            max_pixels = (self.max_memory - PIECES_BYTES) // pixel_bytes
            fewest = tiling.fewest_pixels(height, width, margin=margin)
            if max_pixels < fewest:
                raise ValueError(
                    f"max_memory: expected at least {PIECES_BYTES + fewest * pixel_bytes} bytes for this network and "
                    f"{height}x{width} pixels, got {self.max_memory}; raise it, or set tile_size"
                )
            size = tiling.plan_tile_size(height, width, margin=margin, max_pixels=max_pixels)
        return list(tiling.split(height, width, size))

    def _check_idr(self, idr: Tensor) -> None:
        expected = (1, self.student.sr_network.conv_first.out_channels)
        if tuple(idr.shape) != expected:
            raise ValueError(f"idr: expected {expected}, one IDR for this network, got {tuple(idr.shape)}")


def _count_multiplications(student: KDSRStudent) -> int:
    """Count the multiplications of the convolutions between first layer and upsampler, for each LQ pixel."""
    parts = (student.estimator, *student.sr_network.blocks, student.sr_network.conv_body)
    layers = (layer for part in parts for layer in part.modules() if isinstance(layer, nn.Conv2d))
    return sum(layer.weight.numel() for layer in layers)


def _make_fast_parts(student: KDSRStudent) -> StudentParts | None:
    """Prepare the fast path; None where llvmlite is not installed, or its kernels fail or do not pay."""
    try:
        from kdsr_arch.inference.winograd.fast_student import FastStudent, pays

        if not pays():
            return None
        parts = FastStudent(student)
        parts.try_out()
    except ImportError:
        return None
    except Exception as error:  # whatever an llvmlite raises that is newer than these kernels
        report_failure(error)
        return None
    return parts


def _size(lq: Tensor) -> tuple[int, int]:
    if lq.ndim != 4 or lq.shape[:2] != (1, 3) or 0 in lq.shape:
        raise ValueError(f"lq: expected one image (1, 3, H, W), got {tuple(lq.shape)}")
    return lq.shape[2], lq.shape[3]
