"""What every KDSR student's training has: the frozen teacher, the IDR loss, and the estimator's warm-up.

Source: arXiv 2211.16928, section 3.4.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from basicsr.losses import build_loss
from basicsr.models.lr_scheduler import MultiStepRestartLR
from basicsr.utils import get_root_logger
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import SequentialLR

from kdsr_arch import KDSRTeacher, load_teacher
from kdsr_model.experiment_settings import StudentExperimentSettings, StudentGANExperimentSettings
from kdsr_model.kdsr_base_model import KDSRBaseModel
from kdsr_options.schema import OptionError, Problem


class WarmupThenMain(SequentialLR):
    """Two schedules one after the other, of which the second begins at the optimiser's own rate.

    Some schedules, as `MultiStepRestartLR` with `restarts` of the user's own, begin at the rate that they find.
    """

    def step(self) -> None:  # type: ignore[override]  # as that of SequentialLR
        """Make a step of the schedule whose turn it is."""
        if self.last_epoch + 1 in self._milestones:
            for group in self.optimizer.param_groups:
                group["lr"] = group["initial_lr"]
        super().step()


def _steps(optimizer: Optimizer, *, weight: float, milestones: list[int], gamma: float) -> MultiStepRestartLR:
    """Make the schedule of a warm-up, at `weight` times the optimiser's own rate."""
    # BasicSR's restart weight scales the optimiser's learning rate: that is how a phase gets its own.
    return MultiStepRestartLR(optimizer, milestones=milestones, gamma=gamma, restarts=[0], restart_weights=[weight])


class DistillationModel(KDSRBaseModel):
    """A model whose `net_g` is a `KDSRStudent` that learns a teacher's IDR'.

    With `train.estimator_warmup_iter`, the first iterations train the estimator by the IDR loss alone; the SR network
    rests. Both phases use one optimiser with a parameter group for each part and BasicSR's schedulers one after the
    other, so `train.scheduler` counts its iterations from the end of the warm-up.
    """

    experiment: StudentExperimentSettings | StudentGANExperimentSettings

    def init_training_settings(self) -> None:
        """Bring in the teacher before BasicSR copies the network for its moving average."""
        self.cri_idr = build_loss(self.settings.idr_opt).to(self.device)
        self.net_teacher = self._load_teacher()
        # A resumed or pretrained student brings its own SR network.
        if self.settings.init_sr_from_teacher and not self.opt["path"].get("pretrain_network_g"):
            student = self.get_bare_model(self.net_g)
            student.sr_network.load_state_dict(self.net_teacher.sr_network.state_dict())
            get_root_logger().info("The student's SR network starts from the teacher's.")
        del self.net_teacher.sr_network  # only its estimator is needed from here on
        self.arrange_estimator(self.net_teacher.estimator)
        super().init_training_settings()

    def _load_teacher(self) -> KDSRTeacher:
        path = self.experiment.path.pretrain_network_teacher
        if path is None:
            message = "is missing: the student learns from a trained teacher's checkpoint"
            raise OptionError([Problem("path.pretrain_network_teacher", message)])
        teacher = load_teacher(path, param_key=self.experiment.path.param_key_teacher)
        get_root_logger().info(f"Loading the teacher from {path}.")
        return teacher.to(self.device)

    def setup_optimizers(self) -> None:
        """Give the estimator and the SR network a parameter group each."""
        network = self.get_bare_model(self.net_g)
        groups = [{"params": list(part.parameters())} for part in (network.estimator, network.sr_network)]
        self.optimizer_g = self.build_optimizer("optim_g", groups)

    def build_optimizer(self, key: str, parameters: list) -> Optimizer:
        """Build the optimiser of `train.optim_g` or `train.optim_d` and hand it to BasicSR's bookkeeping."""
        block = getattr(self.settings, key)
        options = {name: value for name, value in block.items() if name != "type"}
        optimizer = self.get_optimizer(block["type"], parameters, **options)
        self.optimizers.append(optimizer)
        return optimizer

    def setup_schedulers(self) -> None:
        """Follow `train.scheduler`, after `train.estimator_warmup_scheduler` where there is a warm-up.

        A discriminator rests in the warm-up, so its schedule begins at the end of that, too.
        """
        super().setup_schedulers()
        settings = self.settings
        if not settings.estimator_warmup_iter:
            return
        weight = settings.estimator_warmup_lr / settings.optim_g["lr"]
        for place, (optimizer, main) in enumerate(zip(self.optimizers, self.schedulers, strict=True)):
            warmup = (
                _steps(optimizer, weight=weight, **settings.estimator_warmup_scheduler.model_dump(exclude={"type"}))
                if optimizer is self.optimizer_g
                else _steps(optimizer, weight=1, milestones=[], gamma=1)
            )
            self.schedulers[place] = WarmupThenMain(optimizer, [warmup, main], [settings.estimator_warmup_iter])

    def is_warming_up(self, current_iter: int) -> bool:
        """Return whether this iteration trains the estimator alone."""
        return current_iter <= self.settings.estimator_warmup_iter

    def run_student(self, current_iter: int) -> OrderedDict[str, Tensor]:
        """Run the teacher's estimator and the student; set `output`, but in the warm-up, and give the IDR loss."""
        with self.stepper.autocast():
            with torch.no_grad():
                _, teacher_idr_prime = self.net_teacher.estimate_idr(self.lq, self.gt)
            if self.is_warming_up(current_iter):
                _, idr_prime = self.net_g(self.lq, only_idr=True)
            else:
                sr, _, idr_prime = self.net_g(self.lq, return_idr=True)
                self.output = sr.float()
        return OrderedDict(l_idr=self.cri_idr(idr_prime.float(), teacher_idr_prime.float()))
