"""The options that BasicSR's models and ours read outside the data sets, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import Field, model_validator

from kdsr_options.schema import Settings, read_settings

Block = dict[str, Any]


class PathSettings(Settings):
    """`path`: what is loaded. The folders at the end are BasicSR's own additions."""

    pretrain_network_g: str | None = None
    param_key_g: str | None = "params"
    strict_load_g: bool = True
    pretrain_network_d: str | None = None
    param_key_d: str | None = "params"
    strict_load_d: bool = True
    pretrain_network_teacher: str | None = None
    pretrain_network_vgg: str | None = None
    param_key_teacher: str | None = None
    resume_state: str | None = None
    ignore_resume_networks: list[str] | None = None
    experiments_root: str | None = None
    models: str | None = None
    training_states: str | None = None
    log: str | None = None
    visualization: str | None = None
    results_root: str | None = None


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
            raise ValueError("amp: fp16 needs CUDA; bf16 runs everywhere")
        return self


class TrainSettings(Settings):
    """`train` as `SRModel` and BasicSR's training loop read it."""

    total_iter: int = Field(ge=1)
    optim_g: Block
    scheduler: Block
    warmup_iter: int = -1
    ema_decay: float = Field(default=0, ge=0, lt=1)
    pixel_opt: Block | None = None
    perceptual_opt: Block | None = None

    @model_validator(mode="after")
    def _check_losses(self):
        if self.pixel_opt is None and self.perceptual_opt is None:
            raise ValueError("pixel_opt and perceptual_opt are both missing, so there is nothing to train on")
        return self


class GANTrainSettings(TrainSettings):
    """`train` as BasicSR's `SRGANModel` reads it."""

    optim_d: Block
    gan_opt: Block
    ldl_opt: Block | None = None
    net_d_iters: int = 1
    net_d_init_iters: int = 0


class WarmupSchedulerSettings(Settings):
    """`train.estimator_warmup_scheduler`: the learning rate times `gamma` at each milestone."""

    type: Literal["MultiStepLR"] = "MultiStepLR"
    milestones: list[int] = []
    gamma: float = Field(default=0.1, gt=0)


class TeacherTrainSettings(TrainSettings, SpeedSettings):
    """`train` as `KDSRTeacherModel` reads it."""


class StudentTrainSettings(TrainSettings, SpeedSettings):
    """`train` as `KDSRStudentModel` reads it; the warm-up trains the estimator alone, by the IDR loss."""

    idr_opt: Block = {"type": "IDRL1Loss", "loss_weight": 1.0}
    init_sr_from_teacher: bool = True
    estimator_warmup_iter: int = Field(default=0, ge=0)
    estimator_warmup_lr: float = Field(default=2e-4, gt=0)
    estimator_warmup_scheduler: WarmupSchedulerSettings = WarmupSchedulerSettings()

    @model_validator(mode="after")
    def _check_warmup(self):
        if self.estimator_warmup_iter >= self.total_iter:
            raise ValueError(
                f"estimator_warmup_iter {self.estimator_warmup_iter} leaves nothing of total_iter {self.total_iter}"
            )
        if self.estimator_warmup_iter and self.warmup_iter > 0:
            raise ValueError(
                f"warmup_iter {self.warmup_iter} and estimator_warmup_iter {self.estimator_warmup_iter} would both set "
                "the first iterations' learning rate; leave one of them out"
            )
        return self


class StudentGANTrainSettings(StudentTrainSettings, GANTrainSettings):
    """`train` as `KDSRStudentGANModel` reads it."""

    @model_validator(mode="after")
    def _check_alternation(self):
        if self.net_d_iters < 1 or self.net_d_init_iters < 0:
            raise ValueError("expected net_d_iters above 0 and net_d_init_iters from 0 on")
        return self


class ValSettings(Settings):
    """`val` as BasicSR reads it."""

    save_img: bool
    val_freq: int | None = Field(default=None, ge=1)
    suffix: str | None = None
    pbar: bool = False
    metrics: dict[str, Block] | None = None


class KDSRValSettings(ValSettings):
    """`val` as our models read it.

    `per_setting` reports each degradation of a benchmark on its own; `tile_size` (LQ pixels) restores large images in
    tiles that overlap by `tile_overlap`, with one IDR for the whole image.
    """

    per_setting: bool = False
    tile_size: int | None = Field(default=None, ge=16)
    tile_overlap: int = Field(default=32, ge=0)


class LoggerSettings(Settings):
    """`logger` as BasicSR's training loop and `kdsr_compat` read it."""

    print_freq: int = Field(ge=1)
    save_checkpoint_freq: int | float = Field(gt=0)
    keep_checkpoints: int | None = Field(default=None, ge=1)  # this one and those before it; None: all
    use_tb_logger: bool = False
    wandb: Block | None = None


class ExperimentSettings(Settings):
    """The top of an option file; the last lines are BasicSR's own additions."""

    name: str = Field(min_length=1)
    model_type: str
    scale: int
    num_gpu: int | Literal["auto"]
    datasets: dict[str, Any]
    network_g: Block
    network_d: Block | None = None
    path: Block
    train: Block | None = None
    val: Block | None = None
    logger: Block | None = None
    manual_seed: int | None = None
    kdsr_version: Any = None
    dist_params: Block | None = None
    find_unused_parameters: bool = False
    auto_resume: bool = False
    is_train: bool = True
    dist: bool = False
    rank: int = 0
    world_size: int = 1
    root_path: str | None = None

    @model_validator(mode="after")
    def _check_name(self):
        if ".." in self.name.split("/") or self.name.startswith("/"):
            raise ValueError(f"name: expected a folder inside experiments/, got {self.name!r}")
        return self


class GANExperimentSettings(ExperimentSettings):
    """The top of a GAN's option file; the switches say which losses compare with a sharpened GT (as Real-ESRGAN)."""

    l1_gt_usm: bool = False
    percep_gt_usm: bool = False
    gan_gt_usm: bool = False


# What each model reads from `train` and `val`. Other model types bring options of their own, so only their data
# sets, networks and losses are checked.
TRAIN_SETTINGS: dict[str, type[TrainSettings]] = {
    "KDSRTeacherModel": TeacherTrainSettings,
    "KDSRStudentModel": StudentTrainSettings,
    "KDSRStudentGANModel": StudentGANTrainSettings,
    "SRModel": TrainSettings,
    "SRGANModel": GANTrainSettings,
    "ESRGANModel": GANTrainSettings,
}


def read_train_settings(opt: Mapping[str, Any]) -> TrainSettings:
    """Read the `train` block as the model of these options does. Raises OptionError."""
    return read_settings(TRAIN_SETTINGS[opt["model_type"]], opt["train"], path="train")


def read_val_settings(opt: Mapping[str, Any]) -> KDSRValSettings:
    """Read the `val` block as our models do. Raises OptionError."""
    return read_settings(KDSRValSettings, opt["val"], path="val")
