"""A whole option file as settings: what stands at its top, and the blocks that BasicSR's models and ours read."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any, Literal

import torch
from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from kdsr_model.train_settings import (
    GANTrainSettings,
    StudentGANTrainSettings,
    StudentTrainSettings,
    TeacherTrainSettings,
    TrainSettings,
)
from kdsr_options.schema import Block, FilledBlock, ProblemAt, Settings, read_settings

# NumPy's generator takes up to 2^32 - 1, and BasicSR adds the numbers of process and worker.
LARGEST_SEED = 2**32 - 1 - 2**16


class PathSettings(Settings):
    """`path`: what is loaded. The folders at the end are BasicSR's own additions."""

    pretrain_network_g: str | None = None
    param_key_g: str | None = "params"
    strict_load_g: bool = True
    pretrain_network_vgg: str | None = None
    resume_state: str | None = None
    ignore_resume_networks: list[str] | None = None
    experiments_root: str | None = None
    models: str | None = None
    training_states: str | None = None
    log: str | None = None
    visualization: str | None = None
    results_root: str | None = None


class GANPathSettings(PathSettings):
    """`path` of a training that has a discriminator."""

    pretrain_network_d: str | None = None
    param_key_d: str | None = "params"
    strict_load_d: bool = True


class StudentPathSettings(PathSettings):
    """`path` of a training that has a teacher."""

    pretrain_network_teacher: str | None = None
    param_key_teacher: str | None = None


class StudentGANPathSettings(StudentPathSettings, GANPathSettings):
    """`path` of a training that has both."""


class ValSettings(Settings):
    """`val` as BasicSR reads it; `per_setting` reports each degradation of a benchmark on its own."""

    save_img: bool = False
    val_freq: int | None = Field(default=None, ge=1)
    suffix: str | None = None
    pbar: bool = False
    per_setting: bool = False
    metrics: dict[str, FilledBlock] | None = None


class KDSRValSettings(ValSettings):
    """`val` as our models read it.

    `tile_size` (LQ pixels) restores large images in tiles that overlap by `tile_overlap`, with one IDR for the whole
    image.
    """

    tile_size: int | None = Field(default=None, ge=16)
    tile_overlap: int = Field(default=32, ge=0)


class LoggerSettings(Settings):
    """`logger` as BasicSR's training loop and the safe run around it read it."""

    print_freq: int = Field(ge=1)
    save_checkpoint_freq: float = Field(gt=0)
    keep_checkpoints: int | None = Field(default=None, ge=1)  # this one and those before it; None: all
    use_tb_logger: bool = False
    wandb: Block | None = None

    @model_validator(mode="after")
    def _check_services(self):
        if self.use_tb_logger and find_spec("tensorboard") is None:
            raise ProblemAt(
                "use_tb_logger", "needs the package tensorboard: pip install tensorboard; or set it to false"
            )
        if self.wandb is None or self.wandb.get("project") is None:
            return self
        if not self.use_tb_logger:
            raise ProblemAt("wandb", "is fed by TensorBoard's log; set use_tb_logger: true")
        if find_spec("wandb") is None:
            raise ProblemAt("wandb", "needs the package wandb: pip install wandb; or leave the block out")
        return self


class DistSettings(Settings):
    """`dist_params`, which BasicSR hands to PyTorch under SLURM."""

    backend: Literal["nccl", "gloo"] = "nccl"
    port: int | None = Field(default=None, ge=1, le=65535)


def _count_gpus(num_gpu: Any) -> Any:
    return torch.cuda.device_count() if num_gpu == "auto" else num_gpu


class FileSettings(Settings):
    """What BasicSR's parser takes for granted; the rest of a model that brings options of its own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(min_length=1)
    model_type: str
    num_gpu: Annotated[int, BeforeValidator(_count_gpus), Field(ge=0)]
    datasets: dict[str, FilledBlock]
    network_g: FilledBlock
    path: Block
    train: Block | None = None
    val: Block | None = None
    logger: Block | None = None
    # The parser itself sets the seed, so that it cannot be made whole later.
    manual_seed: int | None = Field(default=None, ge=0, le=LARGEST_SEED, strict=True)
    own_modules: Any = Field(default=None, alias="import")  # checked by `import_own_modules`

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if ".." in name.split("/") or name.startswith("/"):
            raise ValueError(f"expected a folder inside experiments/, got {name!r}")
        return name

    @field_validator("num_gpu")
    @classmethod
    def _check_gpus(cls, num_gpu: int) -> int:
        there = torch.cuda.device_count()
        if num_gpu > there:
            raise ValueError(f"{num_gpu} are more than this machine has ({there}); write auto, or 0 for the CPU")
        return num_gpu

    @field_validator("datasets", mode="before")
    @classmethod
    def _check_datasets(cls, datasets: Any) -> Any:
        for phase, block in datasets.items() if isinstance(datasets, Mapping) else ():
            if block is None:
                raise ProblemAt(phase, "is empty: expected a block of keys; to do without it, leave the key out")
        return datasets


class ExperimentSettings(FileSettings):
    """An option file of `SRModel`, whose blocks are settings; the last lines are BasicSR's own additions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: int = Field(ge=1, strict=True)
    path: PathSettings  # type: ignore[assignment]
    train: TrainSettings | None = None  # type: ignore[assignment]
    val: ValSettings | None = None  # type: ignore[assignment]
    logger: LoggerSettings | None = None  # type: ignore[assignment]
    kdsr_version: Any = None
    dist_params: DistSettings | None = None
    find_unused_parameters: bool = False
    auto_resume: bool = False
    is_train: bool = True
    dist: bool = False
    rank: int = 0
    world_size: int = 1
    root_path: str | None = None

    @model_validator(mode="after")
    def _check_phase(self):
        """Ask for what training needs, and what testing needs."""
        needed = ("train", "logger") if self.is_train else ("val",)
        for key in needed:
            if getattr(self, key) is None:
                raise ProblemAt(key, "is missing")
        if not self.datasets or self.is_train and "train" not in self.datasets:
            raise ProblemAt("datasets.train" if self.is_train else "datasets", "is missing")
        if self.is_train and self.val is not None and self.val.val_freq is None:
            raise ProblemAt("val.val_freq", "is missing")
        return self


class GANExperimentSettings(ExperimentSettings):
    """An option file of a GAN."""

    path: GANPathSettings
    train: GANTrainSettings | None = None
    network_d: FilledBlock | None = None

    @model_validator(mode="after")
    def _check_discriminator(self):
        if self.is_train and self.network_d is None:
            raise ProblemAt("network_d", "is missing: a GAN needs a discriminator")
        return self


class TeacherExperimentSettings(ExperimentSettings):
    """An option file of `KDSRTeacherModel`."""

    train: TeacherTrainSettings | None = None
    val: KDSRValSettings | None = None


class StudentExperimentSettings(ExperimentSettings):
    """An option file of `KDSRStudentModel`."""

    path: StudentPathSettings
    train: StudentTrainSettings | None = None
    val: KDSRValSettings | None = None


class StudentGANExperimentSettings(GANExperimentSettings):
    """An option file of `KDSRStudentGANModel`; its switches say which losses compare with a sharpened GT."""

    path: StudentGANPathSettings
    train: StudentGANTrainSettings | None = None
    val: KDSRValSettings | None = None  # type: ignore[assignment]
    # As Real-ESRGAN's, which alone of BasicSR's models has them.
    l1_gt_usm: bool = False
    percep_gt_usm: bool = False
    gan_gt_usm: bool = False


KDSRExperimentSettings = TeacherExperimentSettings | StudentExperimentSettings | StudentGANExperimentSettings

# Other model types bring options of their own, so only their data sets, networks and losses are checked.
EXPERIMENTS: dict[str, type[ExperimentSettings]] = {
    "KDSRTeacherModel": TeacherExperimentSettings,
    "KDSRStudentModel": StudentExperimentSettings,
    "KDSRStudentGANModel": StudentGANExperimentSettings,
    "SRModel": ExperimentSettings,
    "SRGANModel": GANExperimentSettings,
    "ESRGANModel": GANExperimentSettings,
}


def read_experiment(opt: Mapping[str, Any]) -> FileSettings:
    """Read a whole option file as its model does. Raises OptionError."""
    return read_settings(EXPERIMENTS.get(str(opt.get("model_type")), FileSettings), opt, path="")
