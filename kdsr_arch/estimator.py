"""KD-IDE, the degradation estimator of KDSR (arXiv 2211.16928, section 3.2)."""

from __future__ import annotations

from torch import Tensor, nn

from kdsr_arch.layers import NEGATIVE_SLOPE, conv3x3, leaky_relu

RESIDUAL_INIT_SCALE = 0.3


class ResidualBlock(nn.Module):
    """conv, LeakyReLU, conv, plus the input."""

    def __init__(self, num_feat: int):
        super().__init__()
        self.conv1 = conv3x3(num_feat, num_feat)
        self.act = leaky_relu()
        self.conv2 = conv3x3(num_feat, num_feat)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x + self.conv2(self.act(self.conv1(x)))


class DegradationEstimator(nn.Module):
    """Turn an image into its IDR and IDR' (B, 4C); a global average makes both independent of its size.

    Args:
        num_feat: C.
        num_idr: the length of the IDR; in the paper's networks, C.
        he_init: start from He et al.'s initialisation (arXiv 1502.01852) instead of PyTorch's, with which the IDRs of
            different images begin nearly equal, and a short training keeps them so.
    """

    def __init__(self, in_channels: int, *, num_feat: int, num_block: int, num_idr: int, he_init: bool = False):
        super().__init__()
        # How many pixels away a pixel influences the features: one for each convolution on the way.
        self.wide_reach = 3
        self.reach = 1 + 2 * num_block + self.wide_reach
        self.conv_first = conv3x3(in_channels, num_feat)
        blocks = [ResidualBlock(num_feat) for _ in range(num_block)]
        self.blocks = nn.Sequential(*blocks)
        self.conv_wide1 = conv3x3(num_feat, 2 * num_feat)
        self.conv_wide2 = conv3x3(2 * num_feat, 2 * num_feat)
        self.conv_wide3 = conv3x3(2 * num_feat, 4 * num_feat)
        self.linear1 = nn.Linear(4 * num_feat, 4 * num_feat)
        self.linear2 = nn.Linear(4 * num_feat, 4 * num_feat)
        self.to_idr = nn.Linear(4 * num_feat, num_idr)
        self.act = leaky_relu()
        if he_init:
            self.apply(_init_he)
            for block in blocks:
                # So that the blocks' sum does not grow from block to block.
                block.conv2.weight.data.mul_(RESIDUAL_INIT_SCALE)

    def extract_features(self, image: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, 4C, H, W), the features whose average tells the degradation."""
        return self.widen(self.extract_narrow_features(image))

    def extract_narrow_features(self, image: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, C, H, W), the first half of `extract_features`."""
        return self.blocks(self.act(self.conv_first(image)))

    def widen(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 4C, H, W), the second half of `extract_features`; it reaches `wide_reach` pixels."""
        features = self.act(self.conv_wide1(features))
        features = self.act(self.conv_wide2(features))
        return self.act(self.conv_wide3(features))

    def summarise(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Turn averaged features (B, 4C) into the IDR (B, num_idr) and the IDR' (B, 4C)."""
        idr_prime = self.act(self.linear2(self.act(self.linear1(pooled))))
        idr = self.act(self.to_idr(idr_prime))
        return idr, idr_prime

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, in_channels, H, W) -> IDR (B, num_idr), IDR' (B, 4C)."""
        return self.summarise(self.extract_features(image).mean(dim=(2, 3)))


def _init_he(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(layer.weight, a=NEGATIVE_SLOPE)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
