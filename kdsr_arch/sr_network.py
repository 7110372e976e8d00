"""The IDR-guided SR network of KDSR (arXiv 2211.16928, section 3.3 and figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from kdsr_arch.layers import bias_of, conv3x3, leaky_relu

# Mean of the DIV2K training images, RGB in [0, 1], as EDSR and the KDSR authors subtract it.
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
UPSAMPLE_STEPS = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}


class DynamicDepthwiseConv(nn.Module):
    """IDR-DDC: a depthwise 3x3 convolution whose kernels are predicted from the IDR, for each image its own."""

    def __init__(self, num_feat: int):
        super().__init__()
        self.linear1 = nn.Linear(num_feat, num_feat, bias=False)
        self.act = leaky_relu()
        self.linear2 = nn.Linear(num_feat, 9 * num_feat, bias=False)

    def predict_kernels(self, idr: Tensor) -> Tensor:
        """(B, C) -> (B * C, 1, 3, 3)."""
        return self.linear2(self.act(self.linear1(idr))).reshape(-1, 1, 3, 3)

    def forward(self, features: Tensor, idr: Tensor) -> Tensor:
        """Filter `features` (B, C, H, W) with the kernels of `idr` (B, C); no bias."""
        batch, channels, height, width = features.shape
        # One grouped convolution filters every channel of every image at once.
        as_channels = features.reshape(1, batch * channels, height, width)
        filtered = F.conv2d(as_channels, self.predict_kernels(idr), padding=1, groups=batch * channels)
        return filtered.reshape(batch, channels, height, width)


class DynamicBlock(nn.Module):
    """IDR-DCRB: IDR-DDC, LeakyReLU, conv, plus the input."""

    def __init__(self, num_feat: int):
        super().__init__()
        self.depthwise = DynamicDepthwiseConv(num_feat)
        self.act = leaky_relu()
        self.conv = conv3x3(num_feat, num_feat)

    def forward(self, features: Tensor, idr: Tensor) -> Tensor:
        """(B, C, H, W) steered by (B, C) -> (B, C, H, W)."""
        return features + self.conv(self.act(self.depthwise(features, idr)))


class Upsampler(nn.Module):
    """Convolutions and pixel shuffles: x2 once, twice or three times, or x3 once.

    Args:
        direct: one convolution to the colours of all new pixels instead, which costs a fraction.
    """

    def __init__(self, scale: int, *, num_feat: int, direct: bool = False):
        super().__init__()
        if scale not in UPSAMPLE_STEPS:
            raise ValueError(f"scale: expected one of {', '.join(map(str, UPSAMPLE_STEPS))}, got {scale!r}")
        self.steps = (scale,) if direct else UPSAMPLE_STEPS[scale]
        out_channels = 3 if direct else num_feat
        convs = [conv3x3(num_feat, out_channels * step**2) for step in self.steps]
        self.convs = cast(Sequence[nn.Conv2d], nn.ModuleList(convs))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, sH, sW), or (B, 3, sH, sW) where `direct`."""
        for conv, step in zip(self.convs, self.steps, strict=True):
            features = F.pixel_shuffle(conv(features), step)
        return features


class SRNetwork(nn.Module):
    """Enlarge an image by a stack of blocks that all receive the same IDR.

    Args:
        direct_upsampler: let the upsampler end in colours, without a convolution at the size of the result.
        block_init_scale: what the blocks' convolutions are multiplied by at the start. With 0.1, as deep residual
            networks are often begun, many blocks bear a higher learning rate.

    Attributes:
        recompute: whether training computes each block's inner features a second time for its gradient instead of
            keeping them: less memory, more time, the same result.
    """

    def __init__(
        self,
        scale: int,
        *,
        num_feat: int,
        num_block: int,
        direct_upsampler: bool = False,
        block_init_scale: float = 1.0,
    ):
        super().__init__()
        self.recompute = False
        self.conv_first = conv3x3(3, num_feat)
        blocks = [DynamicBlock(num_feat) for _ in range(num_block)]
        self.blocks = cast(Sequence[DynamicBlock], nn.ModuleList(blocks))
        self.conv_body = conv3x3(num_feat, num_feat)
        self.upsampler = Upsampler(scale, num_feat=num_feat, direct=direct_upsampler)
        self.conv_last = nn.Identity() if direct_upsampler else conv3x3(num_feat, 3)
        with torch.no_grad():
            for block in self.blocks:
                block.conv.weight.mul_(block_init_scale)
                bias_of(block.conv).mul_(block_init_scale)

    def extract_features(self, lq: Tensor, idr: Tensor) -> Tensor:
        """`lq` (B, 3, H, W), RGB in [0, 1], and `idr` (B, C) -> features (B, C, H, W)."""
        shallow = self.conv_first(lq - mean_like(lq))
        features = shallow
        for block in self.blocks:
            if self.recompute and torch.is_grad_enabled():
                features = checkpoint(block, features, idr, use_reentrant=False)
            else:
                features = block(features, idr)
        return self.conv_body(features) + shallow

    def reconstruct(self, features: Tensor) -> Tensor:
        """Features (B, C, H, W) -> SR image (B, 3, sH, sW), not clamped."""
        return self.conv_last(self.upsampler(features)) + mean_like(features)

    def forward(self, lq: Tensor, idr: Tensor) -> Tensor:
        """`lq` (B, 3, H, W), RGB in [0, 1], and `idr` (B, C) -> SR image (B, 3, sH, sW), not clamped."""
        return self.reconstruct(self.extract_features(lq, idr))


def mean_like(image: Tensor) -> Tensor:
    """Return DIV2K's mean (1, 3, 1, 1), which the network subtracts first and adds last."""
    # Not a buffer: distributed training would synchronise it, and validation on one rank would wait for the others.
    return image.new_tensor(DIV2K_MEAN).reshape(1, 3, 1, 1)
