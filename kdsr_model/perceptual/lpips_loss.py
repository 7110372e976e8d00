"""LPIPS as a loss (arXiv 1801.03924), on AlexNet or VGG16, looked at from a place drawn anew each time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from kdsr_model.perceptual.lpips_network import build_lpips

# Pixels of a side, below which a network's strides and poolings leave nothing.
LEAST_SIDES = {"alex": 31, "vgg": 16, "squeeze": 17}


@LOSS_REGISTRY.register()
class LPIPSLoss(nn.Module):
    """Mean LPIPS distance of two batches.

    Args:
        net: 'alex', which a CPU can afford, or 'vgg', some 25 times the work.
        weights: the file with the network's convolutions; None: from torch's cache.
        most_shift: up to so many pixels are cut off at the top and the left, drawn anew at each call. The first layers
            look at every fourth (AlexNet) or second pixel; at a fixed place a network learns to please those.
        magnifications: one of these is drawn at each call; above 1, a square as much smaller, drawn anew, is enlarged
            to the patch's size and compared, so that AlexNet's wide first layer sees finer detail at the same cost.

    Raises:
        ValueError, TypeError: impossible arguments; in `forward`, patches too small for them.
        FileNotFoundError, ModuleNotFoundError: see `build_lpips`.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        net: str = "alex",
        weights: str | None = None,
        most_shift: int = 8,
        magnifications: Sequence[int] = (1,),
    ):
        super().__init__()
        _check_whole("most_shift", [most_shift], least=0)
        if isinstance(magnifications, str) or not isinstance(magnifications, Sequence) or not magnifications:
            raise TypeError(f"magnifications: expected a list of whole numbers from 1 on, got {magnifications!r}")
        _check_whole("magnifications", magnifications, least=1)
        self.loss_weight = loss_weight
        self.most_shift = most_shift
        self.magnifications = magnifications
        self.lpips = build_lpips(net, weights)
        self.least_side = LEAST_SIDES[net]

    def forward(self, sr: Tensor, gt: Tensor) -> Tensor:
        """Compare `sr` with `gt`, both (B, 3, H, W) in [0, 1]; the gradient goes to `sr`."""
        self._check_room(min(sr.shape[-2:]))
        times = self.magnifications[_draw(len(self.magnifications))]
        rows, columns = (self._draw_part(side, times) for side in sr.shape[-2:])
        both = [_enlarge(image[..., rows, columns], times) for image in (sr, gt.detach())]
        return self.loss_weight * self.lpips(*both, normalize=True).mean()

    def _check_room(self, side: int) -> None:
        # Before anything is drawn: a patch is too small in each step, or in none.
        smallest = min(side // times * times if times > 1 else side - self.most_shift for times in self.magnifications)
        if smallest < self.least_side:
            raise ValueError(
                f"patches of {side} pixels are too small: most_shift {self.most_shift} and magnifications "
                f"{list(self.magnifications)} leave {max(smallest, 0)} pixels a side, LPIPS needs {self.least_side}"
            )

    def _draw_part(self, side: int, times: int) -> slice:
        if times == 1:
            return slice(_draw(self.most_shift + 1), None)
        start = _draw(side - side // times + 1)
        return slice(start, start + side // times)


def _check_whole(name: str, values: Sequence[int], *, least: int) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}: expected whole numbers from {least} on, got {value!r}")


def _draw(number: int) -> int:
    return int(torch.randint(number, ()))


def _enlarge(image: Tensor, times: int) -> Tensor:
    return image if times == 1 else F.interpolate(image, scale_factor=times, mode="bilinear")
