"""LPIPS as a loss (arXiv 1801.03924), on AlexNet or VGG16, with a random shift that keeps their grid out of pictures."""

from __future__ import annotations

import torch
from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn

from kdsr_model.perceptual.lpips_network import build_lpips


@LOSS_REGISTRY.register()
class LPIPSLoss(nn.Module):
    """Mean LPIPS distance of two batches.

    Args:
        net: 'alex', which a CPU can afford, or 'vgg', some 25 times the work.
        weights: the file with the network's convolutions; None: from torch's cache.
        most_shift: up to so many pixels are cut off at the top and the left, drawn anew at each call. The first layers
            look at every fourth (AlexNet) or second pixel; at a fixed place a network learns to please those.
        crop_size: compare one square of so many pixels a side, drawn anew at each call; None: everything.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        net: str = "alex",
        weights: str | None = None,
        most_shift: int = 8,
        crop_size: int | None = None,
    ):
        super().__init__()
        if most_shift < 0 or (crop_size is not None and crop_size < 32):
            raise ValueError(f"expected most_shift from 0, crop_size from 32 on; got {most_shift}, {crop_size}")
        self.loss_weight = loss_weight
        self.most_shift = most_shift
        self.crop_size = crop_size
        self.lpips = build_lpips(net, weights)

    def forward(self, sr: Tensor, gt: Tensor) -> Tensor:
        """Compare `sr` with `gt`, both (B, 3, H, W) in [0, 1]; the gradient goes to `sr`."""
        height, width = sr.shape[-2:]
        most = [self.most_shift if self.crop_size is None else max(side - self.crop_size, 0) for side in (height, width)]
        top, left = (int(torch.randint(largest + 1, ())) for largest in most)
        part = (..., slice(top, self._end(top)), slice(left, self._end(left)))
        return self.loss_weight * self.lpips(sr[part], gt.detach()[part], normalize=True).mean()

    def _end(self, start: int) -> int | None:
        return None if self.crop_size is None else start + self.crop_size
