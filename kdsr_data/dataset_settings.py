"""The options of the data sets, checked as one block each (`datasets.train`, `datasets.val_1`, ...)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import ConfigDict, Field, field_validator, model_validator

from kdsr_data.degradations import degradation_settings
from kdsr_data.degradations.mixed import degraded_sizes
from kdsr_data.image_source import find_io_backend
from kdsr_data.presets import PRESETS, BenchmarkCase, Preset, make_case, preset_cases
from kdsr_options.schema import (
    Block,
    FilledBlock,
    FilledList,
    OptionError,
    Problem,
    ProblemAt,
    Range,
    Settings,
    Within,
    collect,
    join_path,
    read_settings,
)


class IOBackendSettings(Settings):
    """BasicSR's storage backend; its paths follow from `dataroot_gt`."""

    type: Literal["disk", "lmdb"] = "disk"


class LoaderSettings(Settings):
    """What BasicSR's loop and its `build_dataloader` read from the block of any data set."""

    type: str
    name: str
    phase: Literal["train", "val", "test"] = "train"
    num_worker_per_gpu: int = Field(default=0, ge=0)
    batch_size_per_gpu: int = Field(default=1, ge=1)
    dataset_enlarge_ratio: int = Field(default=1, ge=1, le=100_000)  # BasicSR lists all samples of an epoch
    prefetch_mode: Literal["cpu", "cuda"] | None = None
    num_prefetch_queue: int = Field(default=1, ge=1)
    pin_memory: bool = False
    persistent_workers: bool = False
    optional: bool = False  # left out, with a warning, where its images are not on this machine

    @model_validator(mode="after")
    def _check_loader(self):
        if self.persistent_workers and (self.num_worker_per_gpu == 0 or self.phase != "train"):
            raise ProblemAt("persistent_workers", "needs num_worker_per_gpu above 0, in training")
        if self.prefetch_mode == "cuda" and not self.pin_memory:
            raise ProblemAt("prefetch_mode", "cuda needs pin_memory: true")
        if self.optional and self.phase == "train":
            raise ProblemAt("optional", "training cannot do without its images")
        return self


class OtherSetSettings(LoaderSettings):
    """What is known of a data set that brings options of its own."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PatchSettings(LoaderSettings):
    """What every data set of pairs cuts out of its images in training.

    `gt_size` in pixels of the GT patch, needed there alone; `lq_size` is the same in pixels of LQ, which follow the
    scale.
    """

    scale: int = Field(ge=1, strict=True)
    gt_size: int | None = Field(default=None, ge=1)
    lq_size: int | None = Field(default=None, ge=1)
    use_hflip: bool = False
    use_rot: bool = False

    @model_validator(mode="before")
    @classmethod
    def _follow_scale(cls, block: Any) -> Any:
        return with_gt_sizes(block)

    @model_validator(mode="after")
    def _check_patch(self):
        if self.phase == "train" and self.gt_size is None:
            raise ProblemAt("gt_size", "(pixels of the GT patch) is missing; lq_size follows the scale")
        if self.gt_size is not None and self.gt_size % self.scale:
            raise ProblemAt("gt_size", f"expected a multiple of the scale {self.scale}, got {self.gt_size}")
        return self


class PairedImageSettings(PatchSettings, OtherSetSettings):
    """What BasicSR's `PairedImageDataset` reads without asking whether it is there."""

    dataroot_gt: str
    dataroot_lq: str
    io_backend: FilledBlock
    filename_tmpl: str = "{}"

    @field_validator("filename_tmpl")
    @classmethod
    def _check_template(cls, template: str) -> str:
        try:
            is_filled = template.format("a") != template.format("b")
        except (AttributeError, IndexError, KeyError, ValueError):
            is_filled = False
        if not is_filled:
            raise ValueError(f"expected {{}} in the place of the name, got {template!r}")
        return template


class ImageSetSettings(LoaderSettings):
    """What every data set of this project reads."""

    scale: int = Field(ge=1, le=8, strict=True)
    dataroot_gt: str
    meta_info: str | None = None
    io_backend: IOBackendSettings = IOBackendSettings()
    use_shuffle: bool = True

    @model_validator(mode="after")
    def _check_storage(self):
        if self.io_backend.type == "lmdb" and find_io_backend(self.dataroot_gt)["type"] != "lmdb":
            message = f"io_backend lmdb needs a dataroot_gt that ends in .lmdb, got {self.dataroot_gt!r}"
            raise ProblemAt("dataroot_gt", message)
        return self


# Sizes in LQ pixels, which follow the scale, and those in GT pixels that they stand for.
FOLLOWING_SIZES = {"lq_size": "gt_size", "degraded_lq_size": "degraded_size"}


def with_gt_sizes(block: Any) -> Any:
    """Return a data set's block with the sizes in GT pixels that follow from `lq_size` and `degraded_lq_size`.

    Raises:
        ProblemAt: both are given, and disagree.
    """
    if not isinstance(block, Mapping) or not _is_count(block.get("scale")):
        return block
    block = dict(block)
    for lq_key, gt_key in FOLLOWING_SIZES.items():
        if not _is_count(block.get(lq_key)):
            continue
        size = block[lq_key] * block["scale"]
        if block.get(gt_key) not in (None, size):
            raise ProblemAt(
                lq_key, f"stands for {gt_key} {size}, which disagrees with {block[gt_key]}; give one of them"
            )
        block[gt_key] = size
    return block


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class DegradedImageSettings(ImageSetSettings, PatchSettings):
    """Options of `DegradedImageDataset`.

    With `degraded_size`, a larger GT crop of so many pixels is degraded and the pair is cut out of it, so that filters
    and resizes have seen what lies around. A smaller image is degraded as far as it goes; BasicSR would mirror it.
    Of `patch_candidates` random crops, the one with most detail is taken: sky and soft background teach little.
    `degraded_lq_size` is the same in pixels of LQ.
    """

    degradation: FilledBlock
    degraded_size: int | None = Field(default=None, ge=1)
    degraded_lq_size: int | None = Field(default=None, ge=1)
    patch_candidates: int = Field(default=1, ge=1, le=64)

    @model_validator(mode="after")
    def _check_degraded_size(self):
        if self.degraded_size is not None and self.gt_size is None:
            raise ProblemAt("degraded_size", "needs gt_size, the patch to cut out of it")
        if message := self.misfit_of(self.degraded_size):
            raise ProblemAt("degraded_size", message)
        return self

    @property
    def patch_size(self) -> int:
        """Return `gt_size`, which training is sure to have."""
        if self.gt_size is None:
            raise ValueError("gt_size (pixels of the GT patch) is missing")
        return self.gt_size

    def misfit_of(self, degraded_size: int | None) -> str | None:
        """Say what is wrong with a size to degrade, or None where a patch can be cut out of it."""
        if degraded_size is None or (degraded_size % self.scale == 0 and degraded_size >= (self.gt_size or 1)):
            return None
        expected = f"a multiple of the scale {self.scale}, at least gt_size {self.gt_size}"
        return f"expected {expected}, got {degraded_size}"


class BenchmarkSettings(ImageSetSettings):
    """Options of `BlindSRBenchmarkDataset`: a preset, or `settings`, a list of degradation blocks."""

    preset: Preset | None = None
    noise_levels: FilledList[float] = [0]
    sigma_range: Annotated[Range, Within(0, 20)] | None = None
    settings: FilledList[Block] | None = None

    @model_validator(mode="after")
    def _check_settings(self):
        if (self.preset is None) == (self.settings is None):
            raise ValueError(f"give either preset ({', '.join(PRESETS)}) or settings, a list of degradation blocks")
        if any(not 0 <= level <= 255 for level in self.noise_levels):
            raise ProblemAt("noise_levels", f"expected a list of levels in 0..255, got {self.noise_levels}")
        labels = [case.label for case in self.list_cases()]
        if split := [label for label in labels if set(label) & set("/\\")]:
            raise ProblemAt("settings", f"labels name files, so no / is possible in {split[0]!r}")
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ProblemAt("settings", f"{', '.join(twice)} stands for two settings; give each a label of its own")
        return self

    def list_cases(self) -> list[BenchmarkCase]:
        """List the fixed degradations under which every image is shown."""
        if self.preset is None:
            return [make_case(block, scale=self.scale) for block in self.settings or ()]
        return preset_cases(self.preset, scale=self.scale, noise_levels=self.noise_levels, sigma_range=self.sigma_range)


def complete_data_set(block: Mapping[str, Any], settings: LoaderSettings) -> dict[str, Any]:
    """Return a block as BasicSR is given it: with the settings' types and defaults, and sizes in GT pixels."""
    completed = {key: value for key, value in with_gt_sizes(block).items() if key not in FOLLOWING_SIZES}
    # What BasicSR's own classes and its loader read; the classes of this project read the rest themselves.
    known = set(LoaderSettings.model_fields) | {"use_hflip", "use_rot"}
    if isinstance(settings, OtherSetSettings):
        known |= settings.model_fields_set - FOLLOWING_SIZES.keys()
    completed |= {key: value for key, value in settings.model_dump().items() if key in known}
    del completed["optional"]
    # Without CUDA, PyTorch warns of it in every epoch.
    completed["pin_memory"] = settings.pin_memory and torch.cuda.is_available()
    return completed


def degradation_block(settings: DegradedImageSettings) -> dict[str, Any]:
    """Return the degradation's block with the scale of its data set; a scale of its own must agree with that."""
    return {"scale": settings.scale, **settings.degradation}


def split_by_case(opt: Mapping[str, Any], settings: BenchmarkSettings) -> list[dict[str, Any]]:
    """Make a block of each setting of a `BlindSRBenchmarkDataset`, named after both, for results by setting."""
    rest = {key: value for key, value in opt.items() if key not in ("preset", "noise_levels", "sigma_range")}
    return [
        {**rest, "name": f"{opt['name']}_{label}", "settings": [{**degradation, "label": label}]}
        for label, degradation in settings.list_cases()
    ]


def check_degraded_images(opt: Mapping[str, Any], path: str) -> DegradedImageSettings:
    """Check the block of a `DegradedImageDataset` with its degradation. Raises OptionError."""
    settings = read_settings(DegradedImageSettings, opt, path=path)
    block, where = degradation_block(settings), join_path(path, "degradation")
    _check_degradation(block, scale=settings.scale, path=where)
    problems = [
        Problem(join_path(where, *place, "degraded_size"), message)
        for place, degraded_size in degraded_sizes(block)
        if (message := settings.misfit_of(degraded_size))
    ]
    if problems:
        raise OptionError(problems)
    return settings


def check_benchmark(opt: Mapping[str, Any], path: str) -> BenchmarkSettings:
    """Check the block of a `BlindSRBenchmarkDataset` with every case of its list. Raises OptionError."""
    settings = read_settings(BenchmarkSettings, opt, path=path)
    problems: list[Problem] = []
    for index, case in enumerate(settings.list_cases()):
        where = join_path(path, "settings", index)
        collect(problems, _check_degradation, case.degradation, scale=settings.scale, path=where)
    if problems:
        raise OptionError(problems)
    return settings


def _check_degradation(block: Mapping[str, Any], *, scale: int, path: str) -> None:
    if block["scale"] != scale:
        message = f"{block['scale']} disagrees with the scale {scale} above"
        raise OptionError([Problem(join_path(path, "scale"), message)])
    degradation_settings(block, path=path)
