"""Training of the KDSR teacher: SR network and estimator together, by the SR loss (arXiv 2211.16928, section 3.4)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from basicsr.utils import get_root_logger
from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor

from kdsr_model.kdsr_base_model import KDSRBaseModel


@MODEL_REGISTRY.register()
class KDSRTeacherModel(KDSRBaseModel):
    """A `KDSRTeacher` that sees LQ and GT, in training and in validation alike."""

    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Give the SR losses of the teacher's image."""
        self.output = self.net_g(self.lq, self.gt)
        return self.compute_sr_losses(self.output)

    def test(self) -> None:
        """Restore the image that was fed, knowing its GT."""
        net = self.get_bare_model(getattr(self, "net_g_ema", self.net_g))
        was_training = net.training
        net.eval()
        with torch.no_grad():
            self.output = net(self.lq, self.gt)
        net.train(was_training)

    def validation(self, dataloader, current_iter, tb_logger, save_img=False) -> None:
        """Validate with GT in the estimator's hands, and say so."""
        get_root_logger().info("The teacher is validated with GT as an input: an upper bound, not a blind result.")
        super().validation(dataloader, current_iter, tb_logger, save_img)
