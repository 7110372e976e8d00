"""The layers of which estimator and SR network are made (arXiv 2211.16928, figure 2)."""

from __future__ import annotations

from torch import Tensor, nn

# The slope of every LeakyReLU in the authors' networks.
NEGATIVE_SLOPE = 0.1


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Make the one convolution of these networks: 3x3, stride 1, zero padding 1, with bias."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)


def bias_of(conv: nn.Conv2d) -> Tensor:
    """Return the bias of a convolution that `conv3x3` made."""
    if conv.bias is None:
        raise ValueError(f"expected a convolution with bias, as conv3x3 makes them, got {conv}")
    return conv.bias


def leaky_relu() -> nn.LeakyReLU:
    """Make the activation of these networks, in place: what it overwrites is never needed again."""
    return nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)
