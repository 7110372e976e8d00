"""Losses that pull the student's IDR' to the teacher's (arXiv 2211.16928, section 3.4, equations 4 and 5)."""

from __future__ import annotations

from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F


@LOSS_REGISTRY.register()
class IDRL1Loss(nn.Module):
    """Mean absolute difference of the IDR' vectors, the default."""

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Compare `student` (B, 4C) with `teacher` (B, 4C), which receives no gradient."""
        return self.loss_weight * F.l1_loss(student, teacher.detach())


@LOSS_REGISTRY.register()
class IDRKLLoss(nn.Module):
    """KL(softmax(teacher / t) || softmax(student / t)), averaged over the batch; t = 0.15 in the authors' code."""

    def __init__(self, loss_weight: float = 1.0, temperature: float = 0.15):
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature: expected above 0, got {temperature}")
        self.loss_weight = loss_weight
        self.temperature = temperature

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Compare `student` (B, 4C) with `teacher` (B, 4C), which receives no gradient."""
        log_student = F.log_softmax(student / self.temperature, dim=1)
        log_teacher = F.log_softmax(teacher.detach() / self.temperature, dim=1)
        divergence = F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
        return self.loss_weight * divergence
