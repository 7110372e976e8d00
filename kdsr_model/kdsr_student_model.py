"""Training of the KDSR student: SR loss plus IDR loss against a frozen teacher (arXiv 2211.16928, section 3.4)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from basicsr.losses import build_loss
from basicsr.models.lr_scheduler import MultiStepRestartLR
from basicsr.utils import get_root_logger
from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor
from torch.optim.lr_scheduler import SequentialLR

from kdsr_arch import KDSRTeacher, read_weights, size_from_weights
from kdsr_model.kdsr_base_model import KDSRBaseModel
from kdsr_model.train_settings import StudentTrainSettings, read_student_settings


@MODEL_REGISTRY.register()
class KDSRStudentModel(KDSRBaseModel):
    """A `KDSRStudent` that learns the teacher's IDR' from LQ alone.

    With `train.estimator_warmup_iter`, the first iterations train the estimator by the IDR loss alone; the SR network
    rests. Both phases use one optimiser with a parameter group for each part and BasicSR's schedulers one after the
    other, so `train.scheduler` counts its iterations from the end of the warm-up.
    """

    def init_training_settings(self) -> None:
        """Bring in the teacher before BasicSR copies the network for its moving average."""
        self.settings: StudentTrainSettings = read_student_settings(self.opt)
        self.cri_idr = build_loss(self.settings.idr_opt).to(self.device)
        self.net_teacher = self._load_teacher()
        # A resumed or pretrained student brings its own SR network.
        if self.settings.init_sr_from_teacher and not self.opt["path"].get("pretrain_network_g"):
            student = self.get_bare_model(self.net_g)
            student.sr_network.load_state_dict(self.net_teacher.sr_network.state_dict())
            get_root_logger().info("The student's SR network starts from the teacher's.")
        super().init_training_settings()

    def _load_teacher(self) -> KDSRTeacher:
        path = self.opt["path"]["pretrain_network_teacher"]
        weights = read_weights(path, param_key=self.opt["path"].get("param_key_teacher"))
        teacher = KDSRTeacher(**size_from_weights(weights).arguments())
        teacher.load_state_dict(weights)
        get_root_logger().info(f"Loading the teacher from {path}.")
        return teacher.to(self.device).eval().requires_grad_(False)

    def setup_optimizers(self) -> None:
        """Give the estimator and the SR network a parameter group each."""
        network = self.get_bare_model(self.net_g)
        groups = [{"params": list(part.parameters())} for part in (network.estimator, network.sr_network)]
        options = {key: value for key, value in self.opt["train"]["optim_g"].items() if key != "type"}
        self.optimizer_g = self.get_optimizer(self.opt["train"]["optim_g"]["type"], groups, **options)
        self.optimizers.append(self.optimizer_g)

    def setup_schedulers(self) -> None:
        """Follow `train.scheduler`, after `train.estimator_warmup_scheduler` where there is a warm-up."""
        if self.settings.estimator_warmup_iter == 0:
            super().setup_schedulers()
            return
        # BasicSR's restart weight scales the optimiser's learning rate: that is how a phase gets its own.
        weight = self.settings.estimator_warmup_lr / self.opt["train"]["optim_g"]["lr"]
        warmup = MultiStepRestartLR(
            self.optimizer_g,
            milestones=self.settings.estimator_warmup_scheduler.milestones,
            gamma=self.settings.estimator_warmup_scheduler.gamma,
            restarts=[0],
            restart_weights=[weight],
        )
        super().setup_schedulers()
        main = self.schedulers.pop()
        warmup_iter = self.settings.estimator_warmup_iter
        self.schedulers.append(SequentialLR(self.optimizer_g, [warmup, main], milestones=[warmup_iter]))

    def compute_losses(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Give the IDR loss and, after the warm-up, the SR losses."""
        with torch.no_grad():
            _, teacher_idr_prime = self.net_teacher.estimate_idr(self.lq, self.gt)
        losses = OrderedDict()
        if current_iter <= self.settings.estimator_warmup_iter:
            _, idr_prime = self.net_g(self.lq, only_idr=True)
        else:
            self.output, _, idr_prime = self.net_g(self.lq, return_idr=True)
            losses = self.compute_sr_losses(self.output)
        losses["l_idr"] = self.cri_idr(idr_prime, teacher_idr_prime)
        return losses
