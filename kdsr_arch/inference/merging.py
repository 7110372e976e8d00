"""The upsampler's chain of convolutions and pixel shuffles as one convolution, from features to the colours of pixels.

Between the convolutions of KDSR's upsampler (arXiv 2211.16928, figure 2) stand pixel shuffles alone and no activation:
together they are linear. Each convolution pads with zeros for itself, so that the image's outermost LQ pixels have
weights of their own, on each side.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn

from kdsr_arch.layers import bias_of
from kdsr_arch.sr_network import SRNetwork

# LQ pixels that the merged convolution reaches, at every scale: one by the first convolution, and less than one more by
# all others, whose steps are halves, quarters and eighths.
REACH = 2
# Where a pixel stands along a direction: at the beginning, in between, or at the end.
FIRST, BETWEEN, LAST = -1, 0, 1
PLACES = (FIRST, BETWEEN, LAST)
# Weight (3, S, S, C, k, k) and bias (3, S, S) from the features around a pixel to the S^2 pixels that it becomes, by
# where it stands along rows and columns.
Merged = dict[tuple[int, int], tuple[Tensor, Tensor]]


def merge_convolutions(network: SRNetwork) -> Merged | None:
    """Merge a network's upsampler and last convolution; None where the upsampler is a single convolution already.

    Weights are (3 s^2, C, 5, 5), biases (3 s^2), for a pixel shuffle to follow; they hold wherever the image is more
    than one pixel wide and high.
    """
    if isinstance(network.conv_last, nn.Identity):
        return None
    like = network.conv_last.weight
    weight, bias = _in_double(network.conv_last)
    merged = dict.fromkeys(product(PLACES, PLACES), (weight[:, None, None], bias[:, None, None]))
    for conv, step in reversed(list(zip(network.upsampler.convs, network.upsampler.steps, strict=True))):
        merged = {places: _put_before(merged, conv, step, places) for places in product(PLACES, PLACES)}
    return {
        places: (weight.flatten(0, 2).to(like).contiguous(memory_format=torch.channels_last), bias.flatten().to(like))
        for places, (weight, bias) in merged.items()
    }


def _put_before(merged: Merged, conv: nn.Conv2d, step: int, places: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Merge a convolution and its pixel shuffle with what comes after them, for a pixel before the shuffle."""
    weight, bias = _in_double(conv)
    after, after_bias = _before_shuffle(merged, step, places)
    joined = after.new_zeros(*after.shape[:3], weight.shape[1], 5, 5)
    for row, column in product(range(3), range(3)):
        joined[..., row : row + 3, column : column + 3] += torch.tensordot(after[..., row, column], weight, dims=1)
    return joined, after_bias + torch.tensordot(after.sum(dim=(4, 5)), bias, dims=1)


def _before_shuffle(merged: Merged, step: int, places: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Express what comes after a pixel shuffle by the pixels before it: weight (3, r S, r S, C r^2, 3, 3) and bias."""
    inner, inner_bias = merged[BETWEEN, BETWEEN]
    size, channels, kernel_size = inner.shape[1], inner.shape[3], inner.shape[-1]
    weight = inner.new_zeros(3, step, size, step, size, channels, step, step, 3, 3)
    bias = inner_bias.new_zeros(3, step, size, step, size)
    for dy, dx in product(range(step), range(step)):
        after, after_bias = merged[_place(places[0], dy, step), _place(places[1], dx, step)]
        bias[:, dy, :, dx] = after_bias
        for ky, kx in product(range(kernel_size), range(kernel_size)):
            row, y = divmod(dy + ky - kernel_size // 2, step)
            column, x = divmod(dx + kx - kernel_size // 2, step)
            if _is_inside(places[0], row) and _is_inside(places[1], column):
                weight[:, dy, :, dx, :, :, y, x, row + 1, column + 1] += after[..., ky, kx]
    weight = weight.flatten(5, 7).flatten(3, 4).flatten(1, 2)
    return weight, bias.flatten(3, 4).flatten(1, 2)


def _place(place: int, offset: int, step: int) -> int:
    """Return where one of the pixels stands that a pixel becomes."""
    is_outermost = (place == FIRST and offset == 0) or (place == LAST and offset == step - 1)
    return place if is_outermost else BETWEEN


def _is_inside(place: int, neighbour: int) -> bool:
    """Return whether a pixel's neighbour before (-1) or after it (1) lies in the image; outside, there are zeros."""
    return neighbour == 0 or neighbour != place


def _in_double(conv: nn.Conv2d) -> tuple[Tensor, Tensor]:
    # On the CPU, since not every GPU has doubles.
    return conv.weight.detach().cpu().double(), bias_of(conv).detach().cpu().double()
