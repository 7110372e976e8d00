"""Training of the KDSR student for realistic detail, with perceptual and GAN losses (arXiv 2211.16928, section 4.3)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from basicsr.losses.loss_util import get_refined_artifact_map
from basicsr.models.srgan_model import SRGANModel
from basicsr.utils import USMSharp
from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor

from kdsr_model.distillation import DistillationModel
from kdsr_model.optimisation import Stepper

ARTIFACT_WINDOW = 7  # pixels, as in LDL (arXiv 2203.09195)


@MODEL_REGISTRY.register()
class KDSRStudentGANModel(DistillationModel, SRGANModel):
    """BasicSR's `SRGANModel` with a KDSR student as its generator.

    `l1_gt_usm`, `percep_gt_usm` and `gan_gt_usm`, at the top of the option file as in Real-ESRGAN's, say which of the
    three losses compare with a sharpened GT. The teacher always sees GT as it is.
    """

    def init_training_settings(self) -> None:
        """Set up sharpening and the discriminator's step, then what the parents do."""
        self.is_sharp = {name: getattr(self.experiment, name) for name in ("l1_gt_usm", "percep_gt_usm", "gan_gt_usm")}
        self.sharpen = USMSharp().to(self.device)
        super().init_training_settings()
        self.stepper_d = Stepper(self.settings, self.device, what="discriminator")

    def steppers(self) -> dict[str, Stepper]:
        """Return what makes the steps of both networks."""
        return {**super().steppers(), "d": self.stepper_d}

    def setup_optimizers(self) -> None:
        """Set up the generator's optimiser and the discriminator's."""
        super().setup_optimizers()
        self.optimizer_d = self.build_optimizer("optim_d", list(self.net_d.parameters()))

    def feed_data(self, data) -> None:
        """Take a batch; its GT is sharpened as soon as a loss asks for it, which no validation does."""
        super().feed_data(data)
        self.sharp_gt: Tensor | None = None

    def target(self, switch: str) -> Tensor:
        """Return GT (B, 3, sH, sW) as the loss of a switch compares with it."""
        if not self.is_sharp[switch]:
            return self.gt
        if self.sharp_gt is None:
            self.sharp_gt = self.sharpen(self.gt)
        return self.sharp_gt

    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Return the generator's losses; in the estimator's warm-up, the IDR loss alone."""
        losses = self.run_student(current_iter)
        if self.is_warming_up(current_iter):
            return losses
        pixel_gt, perceptual_gt = self.target("l1_gt_usm"), self.target("percep_gt_usm")
        losses |= self.compute_sr_losses(self.output, pixel_gt=pixel_gt, perceptual_gt=perceptual_gt)
        if self.cri_ldl:
            losses["l_g_ldl"] = self._find_artifacts()
        with self.stepper.autocast():
            prediction = self.net_d(self._crop_for_discriminator(self.output))
        losses["l_g_gan"] = self.cri_gan(prediction.float(), True, is_disc=False)
        return losses

    def _find_artifacts(self) -> Tensor:
        """Compare with GT where the output varies as artifacts do, unless the averaged network is further from GT."""
        with torch.no_grad():
            averaged = self.net_g_ema(self.lq)
            weight = get_refined_artifact_map(self.gt, self.output, averaged, ARTIFACT_WINDOW)
        return self.cri_ldl(weight * self.output, weight * self.gt)

    def _crop_for_discriminator(self, image: Tensor) -> Tensor:
        size = self.settings.gan_crop_size
        if size is None:
            return image
        top, left = (int(torch.randint(max(side - size, 0) + 1, ())) for side in image.shape[-2:])
        return image[..., top : top + size, left : left + size]

    def optimize_parameters(self, current_iter: int) -> None:
        """Make a step of the generator, then one of the discriminator."""
        self.net_d.requires_grad_(False)
        if self._is_generators_turn(current_iter):
            super().optimize_parameters(current_iter)
        else:
            with torch.no_grad():
                self.run_student(current_iter)
            self.log_dict = OrderedDict()
        self.net_d.requires_grad_(True)
        if not self.is_warming_up(current_iter):
            self._optimize_discriminator()

    def _is_generators_turn(self, current_iter: int) -> bool:
        if self.is_warming_up(current_iter):
            return True
        return current_iter % self.net_d_iters == 0 and current_iter > self.net_d_init_iters

    def _optimize_discriminator(self) -> None:
        self.optimizer_d.zero_grad()
        # One after the other, as BasicSR: in distributed training, each forward is followed by its backward.
        real, fake = self.target("gan_gt_usm"), self.output.detach()
        for name, image, is_real in (("real", real, True), ("fake", fake, False)):
            with self.stepper_d.autocast():
                prediction = self.net_d(self._crop_for_discriminator(image))
            losses = OrderedDict({f"l_d_{name}": self.cri_gan(prediction.float(), is_real, is_disc=True)})
            shown = losses | {f"out_d_{name}": prediction.detach().float().mean()}
            self.log_dict |= self.reduce_loss_dict(shown)
            if not self.stepper_d.backward(losses, self.optimizer_d):
                return
        self.stepper_d.step(self.optimizer_d, self.net_d.parameters())
