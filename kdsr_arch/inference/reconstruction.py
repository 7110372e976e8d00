"""From features to pixels in strips, which keeps the large maps of the upsampler small."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from kdsr_arch.inference.merging import BETWEEN, FIRST, LAST, REACH, merge_convolutions
from kdsr_arch.inference.tiling import Box, cut, grow, intersect, relative, scaled, shifted, split, split_rows
from kdsr_arch.sr_network import SRNetwork, mean_like

# Bytes of the upsampler's maps at once, where they are made, and LQ pixels at once, where they are not.
PIECE_BYTES = 64 * 2**20
STRIP_PIXELS = 4096
# Maps at the size of the result, of C channels each, that the chain holds at once: before, after, and a copy in the
# layout of a convolution.
CHAIN_MAPS = 3


class Reconstruction:
    """Writes the part of an SR image that belongs to some features.

    Args:
        merge: use one convolution in place of the upsampler's chain of them: a tenth of the multiplications, and no
            feature maps at the size of the result. It is made from the weights, once.
    """

    def __init__(self, network: SRNetwork, *, merge: bool):
        self.network = network
        self.scale = math.prod(network.upsampler.steps)
        self.merged = merge_convolutions(network) if merge else None
        num_feat = network.conv_body.out_channels
        pixels = PIECE_BYTES // (CHAIN_MAPS * num_feat * self.scale**2 * network.conv_body.weight.element_size())
        self.piece_size = max(math.isqrt(pixels) - 2 * REACH, 1)

    def write(self, sr: Tensor, features: Tensor, *, outer: Box, box: Box) -> None:
        """Fill `box` of the SR image (B, 3, sH, sW) from features of its part `outer`; both in LQ pixels.

        `outer` reaches `REACH` pixels beyond `box`, or to the image's edge.
        """
        height, width = sr.shape[2] // self.scale, sr.shape[3] // self.scale
        if self.merged is None or min(height, width) == 1:
            for piece in split(box[1] - box[0], box[3] - box[2], self.piece_size):
                self._write_by_chain(sr, features, outer=outer, piece=shifted(piece, box))
            return
        rows = {FIRST: (0, 1), BETWEEN: (1, height - 1), LAST: (height - 1, height)}
        columns = {FIRST: (0, 1), BETWEEN: (1, width - 1), LAST: (width - 1, width)}
        for (row_place, column_place), convolution in self.merged.items():
            area = intersect(box, (*rows[row_place], *columns[column_place]))
            for strip in split_rows(area, STRIP_PIXELS):
                self._write_by_one(sr, features, convolution, outer=outer, strip=strip)

    def _write_by_chain(self, sr: Tensor, features: Tensor, *, outer: Box, piece: Box) -> None:
        seen = grow(piece, REACH, sr.shape[2] // self.scale, sr.shape[3] // self.scale)
        pixels = self.network.reconstruct(cut(features, relative(seen, outer)))
        cut(sr, scaled(piece, self.scale)).copy_(cut(pixels, scaled(relative(piece, seen), self.scale)))

    def _write_by_one(
        self, sr: Tensor, features: Tensor, convolution: tuple[Tensor, Tensor], *, outer: Box, strip: Box
    ) -> None:
        seen = grow(strip, REACH, sr.shape[2] // self.scale, sr.shape[3] // self.scale)
        top, bottom, left, right = (REACH - abs(a - b) for a, b in zip(strip, seen, strict=True))  # beyond the image
        padded = F.pad(cut(features, relative(seen, outer)), (left, right, top, bottom))
        pixels = F.pixel_shuffle(F.conv2d(padded, *convolution), self.scale)
        cut(sr, scaled(strip, self.scale)).copy_(pixels + mean_like(pixels))
