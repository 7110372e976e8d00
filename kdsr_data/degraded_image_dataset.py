"""GT images with LQ images made from them on the fly, for training any BasicSR model and for validating it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from basicsr.data.transforms import augment, mod_crop, paired_random_crop
from basicsr.utils import get_root_logger, img2tensor
from basicsr.utils.registry import DATASET_REGISTRY
from numpy.random import Generator
from torch.utils.data import Dataset

from kdsr_data.dataset_settings import (
    DegradedImageSettings,
    ImageSetSettings,
    check_degraded_images,
    degradation_block,
)
from kdsr_data.degradations import build_degradation
from kdsr_data.image_io import ImageReadError
from kdsr_data.image_source import ImageSource, MetaInfoError
from kdsr_data.pictures.picture import printable
from kdsr_data.random_state import global_draws_from, rng_for_name, rng_for_next_sample
from kdsr_options.schema import OptionError, Problem, join_path

# How many images the option check reads, spread over the whole set.
LOOKED_AT = 9


@DATASET_REGISTRY.register()
class DegradedImageDataset(Dataset):
    """Read GT, crop and flip it (in training), degrade it; give what BasicSR's paired data sets give.

    In training every visit of an image draws anew. In validation the whole image, cropped to a multiple of the
    scale, is degraded with draws that follow from its name, so they repeat.

    Args:
        opt: the block `datasets.train` or `datasets.val*`, see `DegradedImageSettings`.

    Raises:
        OptionError: an option is unknown or impossible.
        FileNotFoundError, ValueError: see `ImageSource`.
    """

    def __init__(self, opt: Mapping[str, Any]):
        self.opt = opt  # BasicSR reads the data set's name from it
        self.settings = check_degraded_images(opt, f"datasets.{opt.get('phase', 'train')}")
        self.source = open_source(self.settings)
        if self.source.passed_over:
            get_root_logger().info(f"{self.source.dataroot}: {self.source.passed_over}.")
        self.result_names = self.source.result_names() if self.settings.phase != "train" else []
        self.degradation = build_degradation(degradation_block(self.settings))
        if remark := self.degradation.remark():
            get_root_logger().warning(f"datasets.{self.settings.phase}: {remark}.")
        # Shared by all worker processes, so that a bad image is reported once and not once a worker and epoch.
        self.is_bad = torch.zeros(len(self.source), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return `lq` (3, H/s, W/s) and `gt` (3, H, W), RGB float32 in [0, 1], with `lq_path` and `gt_path`.

        BasicSR names results after `lq_path`, so outside training it is a name that no other image has.
        """
        if self.settings.phase == "train":
            rng = rng_for_next_sample()
            index, gt = self._read_good(index, rng)
            gt, lq = self._make_pair(gt, rng)
        else:
            gt = mod_crop(self._read(index), self.settings.scale)
            lq = self.degradation(gt, rng_for_name(self.source.key(index)))
        gt_tensor, lq_tensor = img2tensor([gt, lq], bgr2rgb=False, float32=True)
        path = printable(self.source.path(index))
        lq_path = f"{self.result_names[index]}.png" if self.result_names else path
        return {"lq": lq_tensor.contiguous(), "gt": gt_tensor.contiguous(), "lq_path": lq_path, "gt_path": path}

    def _read(self, index: int) -> np.ndarray:
        gt = self.source.read(index)
        smallest = self.settings.patch_size if self.settings.phase == "train" else self.settings.scale
        if min(gt.shape[:2]) < smallest:
            size = f"{gt.shape[0]}x{gt.shape[1]}"
            raise ImageReadError(self.source.path(index), f"{size} pixels, smaller than the {smallest} that are needed")
        return gt

    def _read_good(self, index: int, rng: Generator) -> tuple[int, np.ndarray]:
        """Read an image, or in place of a bad one another drawn at random; return its index too.

        Raises:
            ImageReadError: not one image of the set can be used.
        """
        while True:
            try:
                if not self.is_bad[index]:
                    return index, self._read(index)
            except ImageReadError as error:
                self._report_bad(index, error)
            if self.is_bad.all():
                root = str(self.source.dataroot)
                raise ImageReadError(root, f"none of its {len(self)} images can be used; the log names each reason")
            # From all images, not from those still held for good: the draw must not depend on what was seen before.
            index = int(rng.integers(len(self)))

    def _report_bad(self, index: int, error: ImageReadError) -> None:
        if not self.is_bad[index]:
            self.is_bad[index] = True
            get_root_logger().warning(f"Image left out: {error}. Another one takes its place.")

    def _make_pair(self, gt: np.ndarray, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
        scale, gt_size = self.settings.scale, self.settings.patch_size
        degradation = self.degradation.choose(rng)
        # An image smaller than degraded_size is degraded as far as it goes.
        largest = min(gt.shape[:2]) // scale * scale
        degraded_size = min(degradation.degraded_size or self.settings.degraded_size or gt_size, largest)
        with global_draws_from(rng):
            gt, _ = self._crop(gt, gt, degraded_size, scale=1)  # GT stands in for the LQ that does not exist yet
            gt = augment(np.array(gt, order="C"), hflip=self.settings.use_hflip, rotation=self.settings.use_rot)
        lq = degradation(np.ascontiguousarray(gt), rng)
        with global_draws_from(rng):
            return self._crop(gt, lq, gt_size, scale=scale)

    def _crop(self, gt: np.ndarray, lq: np.ndarray, gt_size: int, *, scale: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw BasicSR's random crop of a pair, `patch_candidates` times, and keep the one with most detail."""
        # Where there is nothing to choose from, one draw is enough.
        draws = self.settings.patch_candidates if min(gt.shape[:2]) > gt_size else 1
        pairs = [paired_random_crop(gt, lq, gt_size, scale) for _ in range(draws)]
        return pairs[0] if draws == 1 else max(pairs, key=lambda pair: detail(pair[0]))


def detail(img: np.ndarray) -> float:
    """Measure how much there is to see in an image (H, W, 3): the mean step of green from pixel to pixel."""
    green = img[::2, :, 1]
    return float(np.abs(np.diff(green, axis=1)).mean() + np.abs(np.diff(green, axis=0)).mean())


def check_patch_fits(settings: DegradedImageSettings, path: str) -> None:
    """Look at a few images of a training set, and refuse a patch that is larger than all of them.

    Raises:
        OptionError: naming `gt_size`, or the data root if none of them can be read.
    """
    where = join_path(path, "meta_info" if settings.meta_info else "dataroot_gt")
    try:
        source = open_source(settings)
    except MetaInfoError as error:
        raise OptionError([Problem(where, str(error))]) from error
    sizes, problems = [], []
    for index in np.linspace(0, len(source) - 1, num=LOOKED_AT, dtype=int):
        try:
            sizes.append(source.size(index))
        except ImageReadError as error:
            problems.append(str(error))
    if not sizes:
        raise OptionError([Problem(where, f"{source.dataroot}: no image of it can be read ({problems[0]})")])
    largest = max(min(size) for size in sizes)
    if largest < settings.patch_size:
        message = f"{settings.patch_size} pixels are more than the images have (of those looked at, at most {largest})"
        raise OptionError([Problem(join_path(path, "gt_size"), message)])


def open_source(settings: ImageSetSettings) -> ImageSource:
    """Open the images of a data set's settings."""
    io_backend = settings.io_backend.model_dump()
    return ImageSource(settings.dataroot_gt, io_backend=io_backend, meta_info=settings.meta_info)
