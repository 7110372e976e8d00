"""Restoring pictures of any size with networks that are not KDSR's, in tiles that overlap."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kdsr_arch.inference.tiling import restore, split

# LQ pixels. The networks' reach is not known; what lies further away than this changes little.
TILE_SIZE = 256
OVERLAP = 32


class TiledRestorer:
    """Restores pictures with any network; larger ones than a tile in tiles, which are nearly, not wholly, seamless.

    Args:
        network: (1, 3, H, W), RGB in [0, 1] -> (1, 3, sH, sW).
        scale: s.
        device: where the network is.
        dtype: the precision to compute with, by autocast if it is not fp32.
        tile_size: LQ pixels of a tile's side. Where a GPU's memory runs out, tiles are halved.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        scale: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        tile_size: int | None = None,
    ):
        if tile_size is not None and tile_size < 1:
            raise ValueError(f"tile_size: expected at least 1 pixel, got {tile_size}")
        self.network = network
        self.scale = scale
        self.device = device
        self.tile_size = tile_size or TILE_SIZE
        self.dtype = dtype

    @torch.no_grad()
    def __call__(self, lq: Tensor) -> Tensor:
        """Enlarge `lq` (1, 3, H, W), RGB in [0, 1], to fp32 (1, 3, sH, sW) on the device of `lq`, not clamped."""
        boxes = split(lq.shape[2], lq.shape[3], self.tile_size)
        return restore(lq, boxes, self._enlarge, scale=self.scale, margin=OVERLAP)

    def _enlarge(self, piece: Tensor) -> Tensor:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.network(piece.to(self.device))
