"""The teacher and the student of KDSR, put together from one estimator and one SR network.

Source: "Knowledge Distillation based Degradation Estimation for Blind Super-Resolution", ICLR 2023,
arXiv 2211.16928, section 3 and figure 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdsr_arch.estimator import DegradationEstimator
from kdsr_arch.pretrained import Pretrained
from kdsr_arch.sr_network import SRNetwork
from kdsr_arch.weights import to_own_names
from kdsr_compat.registries import ARCH_REGISTRY


class KDSRNetwork(nn.Module):
    """What teacher and student share: an estimator, an SR network, and the loading of the authors' weights."""

    def __init__(self, scale: int, *, estimator: DegradationEstimator, sr_network: SRNetwork):
        super().__init__()
        self.scale = scale
        self.estimator = estimator
        self.sr_network = sr_network

    def super_resolve(self, lq: Tensor, idr: Tensor) -> Tensor:
        """Enlarge `lq` (B, 3, H, W) in [0, 1] to (B, 3, sH, sW), steered by `idr` (B, C)."""
        return self.sr_network(lq, idr)

    def load_state_dict(self, state_dict, strict: bool = True, assign: bool = False):
        """Load weights under our names or the authors' (with or without `module.`), as `nn.Module` does.

        Raises:
            ValueError: the authors' fixed mean shift is not the one this network applies.
        """
        return super().load_state_dict(to_own_names(state_dict), strict=strict, assign=assign)


@ARCH_REGISTRY.register()
class KDSRStudent(KDSRNetwork, Pretrained):
    """The network for inference: it estimates the IDR from the LQ image alone.

    Args:
        scale: 2, 3, 4 or 8.
        num_feat: C, the channels of the SR network and the length of the IDR.
        num_block: IDR-DCRBs in the SR network.
        num_estimator_block: residual blocks in the estimator.
        num_estimator_feat: the estimator's channels, a quarter of the length of IDR'; as a rule, C.
        direct_upsampler: see `SRNetwork`.
        estimator_he_init: see `DegradationEstimator`.
        block_init_scale: see `SRNetwork`.
    The defaults are KDSR-M of the paper (5.80M parameters at x4); its networks use none of the last four.
    """

    def __init__(
        self,
        scale: int = 4,
        num_feat: int = 64,
        num_block: int = 53,
        num_estimator_block: int = 9,
        num_estimator_feat: int | None = None,
        direct_upsampler: bool = False,
        estimator_he_init: bool = False,
        block_init_scale: float = 1.0,
    ):
        estimator = DegradationEstimator(
            3,
            num_feat=num_estimator_feat or num_feat,
            num_block=num_estimator_block,
            num_idr=num_feat,
            he_init=estimator_he_init,
        )
        sr_network = SRNetwork(
            scale,
            num_feat=num_feat,
            num_block=num_block,
            direct_upsampler=direct_upsampler,
            block_init_scale=block_init_scale,
        )
        super().__init__(scale, estimator=estimator, sr_network=sr_network)

    def estimate_idr(self, lq: Tensor) -> tuple[Tensor, Tensor]:
        """Return the IDR (B, C) and the IDR' (B, 4C) of `lq` (B, 3, H, W)."""
        return self.estimator(lq)

    def forward(self, lq: Tensor, *, return_idr: bool = False, only_idr: bool = False):
        """Enlarge `lq` (B, 3, H, W), RGB in [0, 1], to the SR image (B, 3, sH, sW), not clamped.

        Args:
            return_idr: return `(sr, idr, idr_prime)` instead.
            only_idr: return `(idr, idr_prime)` and leave the SR network out. A keyword of `forward`, since
                distributed training synchronises gradients only through `forward`.
        """
        idr, idr_prime = self.estimate_idr(lq)
        if only_idr:
            return idr, idr_prime
        sr = self.super_resolve(lq, idr)
        return (sr, idr, idr_prime) if return_idr else sr


@ARCH_REGISTRY.register()
class KDSRTeacher(KDSRNetwork):
    """The network that the student learns from: its estimator sees LQ and GT. Arguments as `KDSRStudent`.

    With `estimator_he_init`, its first layer begins with the difference of each GT cell's pixels and the LQ pixel: the
    degradation shows in it, and the picture's content hardly does. Without, a short training gives an IDR that tells
    pictures apart rather than degradations (docs/results.md). It may learn any other weights from there.
    """

    def __init__(
        self,
        scale: int = 4,
        num_feat: int = 64,
        num_block: int = 53,
        num_estimator_block: int = 9,
        num_estimator_feat: int | None = None,
        direct_upsampler: bool = False,
        estimator_he_init: bool = False,
        block_init_scale: float = 1.0,
    ):
        estimator = DegradationEstimator(
            3 + 3 * scale**2,
            num_feat=num_estimator_feat or num_feat,
            num_block=num_estimator_block,
            num_idr=num_feat,
            he_init=estimator_he_init,
        )
        if estimator_he_init:
            _look_at_differences(estimator.conv_first, scale=scale)
        sr_network = SRNetwork(
            scale,
            num_feat=num_feat,
            num_block=num_block,
            direct_upsampler=direct_upsampler,
            block_init_scale=block_init_scale,
        )
        super().__init__(scale, estimator=estimator, sr_network=sr_network)

    def join(self, lq: Tensor, gt: Tensor) -> Tensor:
        """Put the cells of `gt` (B, 3, sH, sW) behind `lq` (B, 3, H, W), as the estimator sees them.

        Raises:
            ValueError: `gt` is not `scale` times as large as `lq`.
        """
        expected = (*lq.shape[:2], lq.shape[2] * self.scale, lq.shape[3] * self.scale)
        if tuple(gt.shape) != expected:
            raise ValueError(
                f"gt: expected {expected}, {self.scale} times the LQ {tuple(lq.shape)}, got {tuple(gt.shape)}"
            )
        cells = F.pixel_unshuffle(gt, self.scale)  # (B, 3 s^2, H, W)
        return torch.cat([lq, cells], dim=1)

    def estimate_idr(self, lq: Tensor, gt: Tensor) -> tuple[Tensor, Tensor]:
        """Return the IDR (B, C) and the IDR' (B, 4C) of `lq` and its `gt`. Raises as `join`."""
        return self.estimator(self.join(lq, gt))

    def forward(self, lq: Tensor, gt: Tensor, *, return_idr: bool = False):
        """Enlarge `lq` knowing its `gt`; `return_idr` gives `(sr, idr, idr_prime)` instead of the SR image."""
        idr, idr_prime = self.estimate_idr(lq, gt)
        sr = self.super_resolve(lq, idr)
        return (sr, idr, idr_prime) if return_idr else sr


@torch.no_grad()
def _look_at_differences(conv: nn.Conv2d, *, scale: int) -> None:
    """Let LQ weigh as much as all pixels of its GT cell together, with the opposite sign."""
    conv.weight[:, 3:] *= scale  # differences are several times smaller than pixels
    conv.weight[:, :3] = -conv.weight[:, 3:].unflatten(1, (3, -1)).sum(dim=2)


@ARCH_REGISTRY.register()
class KDSRNoEstimator(nn.Module):
    """The student's SR network steered by one learned vector instead of an estimate: the ablation "without IDR".

    Every image gets the same depthwise kernels, so the SR network has the student's size and cost and only the
    knowledge of the degradation is missing.
    """

    def __init__(
        self,
        scale: int = 4,
        num_feat: int = 64,
        num_block: int = 53,
        direct_upsampler: bool = False,
        block_init_scale: float = 1.0,
    ):
        super().__init__()
        self.constant_idr = nn.Parameter(torch.randn(1, num_feat))
        self.sr_network = SRNetwork(
            scale,
            num_feat=num_feat,
            num_block=num_block,
            direct_upsampler=direct_upsampler,
            block_init_scale=block_init_scale,
        )

    def forward(self, lq: Tensor) -> Tensor:
        """Enlarge `lq` (B, 3, H, W), RGB in [0, 1], to the SR image (B, 3, sH, sW)."""
        return self.sr_network(lq, self.constant_idr.expand(lq.shape[0], -1))
