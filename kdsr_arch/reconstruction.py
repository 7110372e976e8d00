"""From features to pixels in strips, and by one convolution where the upsampler's own chain of them is linear.

Between the convolutions of KDSR's upsampler (arXiv 2211.16928, figure 2) stand pixel shuffles alone and no activation.
Together they are one 5x5 convolution from features to all colours of the new pixels, at LQ resolution: a tenth of the
multiplications, and no feature maps at the size of the result. Only the outermost pixels differ, where each convolution
of the chain pads with zeros for itself; they go through the chain.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional as F

from kdsr_arch.sr_network import SRNetwork
from kdsr_arch.tiling import Box, cut, grow, intersect, relative, scaled, split_rows

# LQ pixels that influence a pixel's enlargement on each side, at every scale; features must reach that far.
REACH = 2
# LQ pixels a strip: so many that the largest maps of a strip (some kB a pixel) stay near the processor.
STRIP_PIXELS = 4096


class Reconstruction:
    """Writes the part of an SR image that belongs to some features.

    Args:
        merge: use the one convolution in place of the chain, wherever they agree. It is made from the weights once.
    """

    def __init__(self, network: SRNetwork, *, merge: bool):
        self.network = network
        self.scale = _scale(network)
        # A direct upsampler is one convolution already.
        self.merged = merge_convolutions(network, self.scale) if merge and len(_convolutions(network)) > 1 else None

    def write(self, sr: Tensor, features: Tensor, *, outer: Box, box: Box) -> None:
        """Fill `box` of the SR image (B, 3, sH, sW) from features of its part `outer`; both in LQ pixels.

        `outer` reaches `REACH` pixels beyond `box`, or to the image's edge.
        """
        height, width = sr.shape[2] // self.scale, sr.shape[3] // self.scale
        if self.merged is None:
            self._write_by_chain(sr, features, outer=outer, box=box)
            return
        inner = (1, height - 1, 1, width - 1)
        self._write_by_one(sr, features, outer=outer, box=intersect(box, inner))
        rows = max(height - 1, 1)
        edges = [(0, 1, 0, width), (rows, height, 0, width)]
        edges += [(1, rows, 0, 1), (1, rows, max(width - 1, 1), width)]
        for edge in edges:
            self._write_by_chain(sr, features, outer=outer, box=intersect(box, edge))

    def _write_by_chain(self, sr: Tensor, features: Tensor, *, outer: Box, box: Box) -> None:
        height, width = sr.shape[2] // self.scale, sr.shape[3] // self.scale
        for strip in _strips(box):
            seen = grow(strip, REACH, height, width)
            pixels = self.network.reconstruct(cut(features, relative(seen, outer)))
            cut(sr, scaled(strip, self.scale)).copy_(cut(pixels, scaled(relative(strip, seen), self.scale)))

    def _write_by_one(self, sr: Tensor, features: Tensor, *, outer: Box, box: Box) -> None:
        height, width = sr.shape[2] // self.scale, sr.shape[3] // self.scale
        weight, bias = self.merged
        for strip in _strips(box):
            seen = grow(strip, REACH, height, width)
            missing = [REACH - abs(a - b) for a, b in zip(strip, seen, strict=True)]  # beyond the image: zeros
            padded = F.pad(cut(features, relative(seen, outer)), (missing[2], missing[3], missing[0], missing[1]))
            pixels = F.pixel_shuffle(F.conv2d(padded, weight, bias), self.scale)
            cut(sr, scaled(strip, self.scale)).copy_(pixels)


def _strips(box: Box) -> list[Box]:
    return list(split_rows(box, STRIP_PIXELS)) if box[1] > box[0] and box[3] > box[2] else []


def _scale(network: SRNetwork) -> int:
    scale = 1
    for step in network.upsampler.steps:
        scale *= step
    return scale


def _convolutions(network: SRNetwork) -> list[torch.nn.Module]:
    convs = [*network.upsampler.convs, network.conv_last]
    return [conv for conv in convs if not isinstance(conv, torch.nn.Identity)]


def merge_convolutions(network: SRNetwork, scale: int) -> tuple[Tensor, Tensor]:
    """Give weight (3 s^2, C, 5, 5) and bias (3 s^2) of the convolution before the one pixel shuffle by `scale`.

    They are the derivatives of one LQ pixel's enlargement by the features around it, in double precision.
    """
    like = network.conv_body.weight
    size = 2 * REACH + 1
    with torch.inference_mode(False), torch.enable_grad():
        chain = copy.deepcopy(network).double().requires_grad_(False)
        features = torch.zeros(1, like.shape[1], size, size, dtype=torch.float64, device=like.device)
        features.requires_grad_(True)
        pixels = F.pixel_unshuffle(chain.reconstruct(features), scale)[0, :, REACH, REACH]
        rows = [torch.autograd.grad(pixel, features, retain_graph=True)[0] for pixel in pixels]
    return torch.cat(rows).to(like.dtype), pixels.detach().to(like.dtype)
