"""Training of the KDSR student: SR loss plus IDR loss against a frozen teacher (arXiv 2211.16928, section 3.4)."""

from __future__ import annotations

from collections import OrderedDict

from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor

from kdsr_model.distillation import DistillationModel


@MODEL_REGISTRY.register()
class KDSRStudentModel(DistillationModel):
    """A `KDSRStudent` that learns the teacher's IDR' from LQ alone, and to restore with it."""

    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Return the IDR loss and, after the warm-up, the SR losses."""
        losses = self.run_student(current_iter)
        if not self.is_warming_up(current_iter):
            losses |= self.compute_sr_losses(self.output, pixel_gt=self.gt, perceptual_gt=self.gt)
        return losses
