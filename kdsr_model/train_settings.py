"""The options of training, `train`, as BasicSR's models and ours read them."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator

from kdsr_options.schema import FilledBlock, ProblemAt, Settings


class SpeedSettings(Settings):
    """How our models make a step; the same numbers come out, but for rounding in mixed precision."""

    amp: Literal["none", "bf16", "fp16"] = "none"
    channels_last: bool = False
    compile: bool = False
    recompute: bool = False  # halves the memory of activations for about a third more time
    grad_clip_norm: float | None = Field(default=None, gt=0)
    max_bad_steps: int = Field(default=100, ge=1)  # in a row

    @model_validator(mode="after")
    def _check_precision(self):
        if self.amp == "fp16" and not torch.cuda.is_available():
            raise ProblemAt("amp", "fp16 needs CUDA; bf16 runs everywhere")
        return self


class TrainSettings(Settings):
    """`train` as `SRModel` and BasicSR's training loop read it."""

    total_iter: int = Field(ge=1)
    optim_g: FilledBlock
    scheduler: FilledBlock
    warmup_iter: int = -1
    ema_decay: float = Field(default=0, ge=0, lt=1)
    pixel_opt: FilledBlock | None = None
    perceptual_opt: FilledBlock | None = None

    @model_validator(mode="after")
    def _check_losses(self):
        if self.pixel_opt is None and self.perceptual_opt is None:
            raise ValueError("pixel_opt and perceptual_opt are both missing, so there is nothing to train on")
        return self


class GANTrainSettings(TrainSettings):
    """`train` as BasicSR's `SRGANModel` reads it."""

    optim_d: FilledBlock
    gan_opt: FilledBlock
    net_d_iters: int = Field(default=1, ge=1)
    net_d_init_iters: int = Field(default=0, ge=0)


class WarmupSchedulerSettings(Settings):
    """`train.estimator_warmup_scheduler`: the learning rate times `gamma` at each milestone."""

    type: Literal["MultiStepLR"] = "MultiStepLR"
    milestones: list[int] = []
    gamma: float = Field(default=0.1, gt=0)


class OwnLossSettings(Settings):
    """Losses that our models have beside BasicSR's: `lpips_opt` compares as `perceptual_opt` does, and may join it."""

    lpips_opt: FilledBlock | None = None


class TeacherTrainSettings(TrainSettings, SpeedSettings, OwnLossSettings):
    """`train` as `KDSRTeacherModel` reads it."""


class StudentTrainSettings(TrainSettings, SpeedSettings, OwnLossSettings):
    """`train` as `KDSRStudentModel` reads it; the warm-up trains the estimator alone, by the IDR loss."""

    idr_opt: FilledBlock = {"type": "IDRL1Loss", "loss_weight": 1.0}
    init_sr_from_teacher: bool = True
    estimator_warmup_iter: int = Field(default=0, ge=0)
    estimator_warmup_lr: float = Field(default=2e-4, gt=0)
    estimator_warmup_scheduler: WarmupSchedulerSettings = WarmupSchedulerSettings()

    @model_validator(mode="after")
    def _check_warmup(self):
        if self.estimator_warmup_iter >= self.total_iter:
            message = f"{self.estimator_warmup_iter} leaves nothing of total_iter {self.total_iter}"
            raise ProblemAt("estimator_warmup_iter", message)
        if self.estimator_warmup_iter and self.warmup_iter > 0:
            message = (
                f"{self.warmup_iter} and estimator_warmup_iter {self.estimator_warmup_iter} would both set the first "
                "iterations' learning rate; leave one of them out"
            )
            raise ProblemAt("warmup_iter", message)
        return self


class StudentGANTrainSettings(StudentTrainSettings, GANTrainSettings):
    """`train` as `KDSRStudentGANModel` reads it.

    The discriminator sees one square of `gan_crop_size` pixels of each patch, drawn anew in each step; None: all of it.
    """

    gan_crop_size: int | None = Field(default=None, ge=16)
    ldl_opt: FilledBlock | None = None

    @model_validator(mode="after")
    def _check_artifacts(self):
        if self.ldl_opt is not None and self.ema_decay == 0:
            raise ProblemAt("ldl_opt", "compares with the moving average; set ema_decay above 0")
        return self
