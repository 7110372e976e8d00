"""Training of the KDSR teacher: SR network and estimator together, by the SR loss (arXiv 2211.16928, section 3.4)."""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

from basicsr.utils import get_root_logger
from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor

from kdsr_arch.inference import tiling
from kdsr_arch.kdsr import KDSRNetwork, KDSRTeacher
from kdsr_model.kdsr_base_model import KDSRBaseModel


@MODEL_REGISTRY.register()
class KDSRTeacherModel(KDSRBaseModel):
    """A `KDSRTeacher` that sees LQ and GT, in training and in validation alike."""

    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Return the SR losses of the teacher's image."""
        with self.stepper.autocast():
            sr = self.net_g(self.lq, self.gt)
        self.output = sr.float()
        return self.compute_sr_losses(self.output, pixel_gt=self.gt, perceptual_gt=self.gt)

    def estimate_idr(self, network: KDSRNetwork, tile_size: int | None) -> Tensor:
        """Return the IDR (B, C) of the batch that was fed, knowing its GT."""
        seen = cast(KDSRTeacher, network).join(self.lq, self.gt)
        return tiling.estimate_idr(network.estimator, seen, tile_size=tile_size)

    def validation(self, dataloader, current_iter, tb_logger, save_img=False) -> None:
        """Validate with GT in the estimator's hands, and say so."""
        get_root_logger().info("The teacher is validated with GT as an input: an upper bound, not a blind result.")
        super().validation(dataloader, current_iter, tb_logger, save_img)
