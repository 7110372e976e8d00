"""A student's networks on the kernels of `fast_conv`: the same results up to rounding, for fp32 on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from time import perf_counter
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from kdsr_arch.estimator import ResidualBlock
from kdsr_arch.inference.tiling import Box, cut, grow, relative, split_rows
from kdsr_arch.inference.winograd import report_failure
from kdsr_arch.inference.winograd.kernel import TILE
from kdsr_arch.inference.winograd.layers import FastConv, FeatureMap, Team, gather_team, padded
from kdsr_arch.kdsr import KDSRStudent
from kdsr_arch.layers import NEGATIVE_SLOPE, conv3x3
from kdsr_arch.sr_network import DynamicBlock, mean_like

# LQ pixels of the estimator's widest layers at once.
WIDE_PIXELS = 2**15
# LQ pixels of the first convolution at once.
FIRST_PIXELS = 2**14
# Feature maps of C channels at once: a layer's input and output.
MAPS = 2


class FastStudent:
    """The parts of a student that `ImageRestorer` needs, prepared once from its weights; see `PlainStudent`."""

    # Tiles that begin at the tiles of the convolutions round as the whole image does.
    alignment = TILE

    def __init__(self, student: KDSRStudent):
        self.network, self.estimator = student.sr_network, student.estimator
        self.body_pixel_bytes = 4 * MAPS * padded(self.network.conv_body.out_channels)
        self.estimator_pixel_bytes = 4 * MAPS * padded(self.estimator.conv_first.out_channels)
        self.block_convs = [FastConv(block.conv) for block in self.network.blocks]
        self.conv_body = FastConv(self.network.conv_body)
        residual_blocks = cast(Iterable[ResidualBlock], self.estimator.blocks)
        self.residual_convs = [(FastConv(b.conv1, activate=True), FastConv(b.conv2)) for b in residual_blocks]
        wide = (self.estimator.conv_wide1, self.estimator.conv_wide2, self.estimator.conv_wide3)
        self.wide_convs = [FastConv(conv, activate=True) for conv in wide]

    def try_out(self) -> None:
        """Make all kernels that this student needs, and use them on an image of a few pixels."""
        size = (4, 4)
        self.extract_features(torch.zeros(1, 3, *size), torch.zeros(1, self.conv_body.out_channels))
        self.sum_features(torch.zeros(1, 3, *size), [(0, size[0], 0, size[1])])

    def extract_features(self, lq: Tensor, idr: Tensor) -> Tensor:
        """As `SRNetwork.extract_features`, for one image."""
        kernels = [_arrange_kernels(block, idr) for block in self.network.blocks]
        shallow_input, size = lq - mean_like(lq), lq.shape[2:]
        source, target = (FeatureMap(self.conv_body.out_channels, *size) for _ in range(2))
        _fill_first(source, shallow_input, self.network.conv_first)
        with gather_team([*self.block_convs, self.conv_body]) as team:
            for conv, kernel in zip(self.block_convs, kernels, strict=True):
                conv(team, source, target, residual=source, depthwise=kernel)
                source, target = target, source
            # The shallow features are quicker made again than kept in a third map.
            _fill_first(target, shallow_input, self.network.conv_first)
            self.conv_body(team, source, target, residual=target)
        return target.image

    def sum_features(self, image: Tensor, boxes: Sequence[Box]) -> Tensor:
        """Sum the estimator's features over N parts of an image (1, 3, h, w): (N, 4C), in double precision."""
        channels, size = self.estimator.conv_first.out_channels, image.shape[2:]
        source, inner = FeatureMap(channels, *size), FeatureMap(channels, *size)
        _fill_first(source, image, self.estimator.conv_first, activate=True)
        totals = torch.zeros(len(boxes), self.wide_convs[-1].out_channels, dtype=torch.float64)
        with gather_team([conv for pair in self.residual_convs for conv in pair] + self.wide_convs) as team:
            for conv1, conv2 in self.residual_convs:
                conv1(team, source, inner)
                # In place: a pixel of the sum depends on no other pixel of the residual.
                conv2(team, inner, source, residual=source)
            for total, box in zip(totals, boxes, strict=True):
                for strip in split_rows(box, WIDE_PIXELS):
                    total += self._sum_wide(team, source, strip)
        return totals

    def _sum_wide(self, team: Team, source: FeatureMap, strip: Box) -> Tensor:
        """Run the last three convolutions for a strip, each on as much around it as the next one reaches."""
        outer, size = (0, source.height, 0, source.width), (source.height, source.width)
        conv1, conv2, conv3 = self.wide_convs
        for conv, margin in ((conv1, 2), (conv2, 1)):
            area = grow(strip, margin, *size)
            height, width = area[1] - area[0], area[3] - area[2]
            target = FeatureMap(conv.out_channels, height, width)
            conv(team, source, target, area=relative(area, outer))
            source, outer = target, area
        return conv3.sum_up(team, source, area=relative(strip, outer))


def _fill_first(target: FeatureMap, image: Tensor, conv: torch.nn.Conv2d, *, activate: bool = False) -> None:
    """Do the convolution of three channels, which is quick anyway, strip by strip into a map."""
    height, width = image.shape[2:]
    for strip in split_rows((0, height, 0, width), FIRST_PIXELS):
        seen = grow(strip, 1, height, width)
        features = cut(F.conv2d(cut(image, seen), conv.weight, conv.bias, padding=1), relative(strip, seen))
        cut(target.image, strip).copy_(F.leaky_relu_(features, NEGATIVE_SLOPE) if activate else features)
    target.clear_padding()


def _arrange_kernels(block: DynamicBlock, idr: Tensor) -> Tensor:
    """Return a block's depthwise kernels (9, C), C filled up to whole vectors."""
    kernels = block.depthwise.predict_kernels(idr).flatten(1)  # (C, 9)
    arranged = kernels.new_zeros(9, padded(len(kernels)))
    arranged[:, : len(kernels)] = kernels.t()
    return arranged


@cache
def pays() -> bool:
    """Return whether the kernels work on this processor and outrun PyTorch's, by trying them once in a process."""
    try:
        return _outruns_pytorch()
    except Exception as error:  # LLVM does not know this processor or may not write code, or llvmlite has changed
        report_failure(error)
        return False


@torch.no_grad()
def _outruns_pytorch() -> bool:
    conv = conv3x3(64, 64).requires_grad_(False)
    conv.weight.normal_(std=0.05, generator=torch.Generator().manual_seed(0))
    image = torch.rand(1, 64, 64, 64, generator=torch.Generator().manual_seed(0))
    source, target = FeatureMap(64, 64, 64), FeatureMap(64, 64, 64)
    source.image.copy_(image)
    fast_conv = FastConv(conv)
    with gather_team([fast_conv]) as team:
        ours = _shortest(lambda: fast_conv(team, source, target))
        theirs = _shortest(lambda: conv(image))
        return torch.allclose(target.image, conv(image), atol=1e-4) and ours < theirs


def _shortest(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(4):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)
