"""The image sets of a comparison: every image in every case, with GT where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from basicsr.utils import img2tensor
from torch import Tensor

from kdsr_data import BlindSRBenchmarkDataset
from kdsr_data.image_io import ImageReadError
from kdsr_data.image_source import ImageSource, find_io_backend
from kdsr_data.pictures.picture import printable
from kdsr_data.presets import BenchmarkCase
from kdsr_tools.compare.settings import CompareSettings, ImagesSettings

FIRST_MISMATCHES = 5


class Pair(NamedTuple):
    """`lq` (3, H, W) and `gt` (3, sH, sW) or None, RGB in [0, 1]."""

    lq: Tensor
    gt: Tensor | None


class ImageSet(Protocol):
    """What every image set offers."""

    name: str
    images: list[str]
    cases: list[BenchmarkCase]
    has_gt: bool
    passed_over: str | None  # what of a folder is no image, in words

    def read(self, image: int, case: int) -> Pair:
        """Return an image in a case; ImageReadError, with its path, if it cannot be used."""


class BenchmarkSet:
    """GT images whose LQ images are made in each case of a benchmark."""

    has_gt = True

    def __init__(self, name: str, block: Mapping[str, Any]):
        self.name = name
        self._benchmark = BlindSRBenchmarkDataset(block)
        source = self._benchmark.source
        self.images = [source.key(index) for index in range(len(source))]
        self.passed_over = source.passed_over
        self.cases = self._benchmark.cases

    def read(self, image: int, case: int) -> Pair:
        """Return an image in a case. Raises ImageReadError."""
        sample = self._benchmark[image * len(self.cases) + case]
        return Pair(sample["lq"], sample["gt"])


class StoredSet:
    """LQ images from a folder or an LMDB, with GT of the same names where `dataroot_gt` is given.

    Raises:
        ValueError: names that do not pair up, or a first pair whose sizes do not fit the scale.
    """

    def __init__(self, name: str, options: ImagesSettings, *, scale: int):
        if options.dataroot_lq is None:
            raise ValueError(f"data.{name}.dataroot_lq: expected the folder of the LQ images, got none")
        self.name, self.scale = name, scale
        self.has_gt = options.dataroot_gt is not None
        self.cases = [BenchmarkCase("as given", {})]
        lq_source = _open(options.dataroot_lq, None if self.has_gt else options.meta_info)
        self.passed_over = lq_source.passed_over
        self._lq = _by_key(lq_source)
        self._gt: dict[str, tuple[ImageSource, int]] = {}
        self._lq_names = {key: key for key in self._lq}
        if options.dataroot_gt is not None:
            gt_source = _open(options.dataroot_gt, options.meta_info)
            self._gt = _by_key(gt_source)
            self._lq_names = {key: _fill(options.filename_tmpl, key) for key in self._gt}
            self._check_names(is_part=options.meta_info is not None)
        self.images = list(self._lq_names)
        self.read(0, 0)  # so that a wrong scale is noticed before hours of work

    def _check_names(self, *, is_part: bool) -> None:
        without_lq = [name for name in self._lq_names.values() if name not in self._lq]
        without_gt = [] if is_part else sorted(set(self._lq) - set(self._lq_names.values()))
        notes = []
        for what, names in (("LQ images are missing", without_lq), ("LQ images have no GT", without_gt)):
            if names:
                more = f", and {len(names) - FIRST_MISMATCHES} more" if len(names) > FIRST_MISMATCHES else ""
                notes.append(f"{len(names)} {what}: {', '.join(names[:FIRST_MISMATCHES])}{more}")
        if notes:
            raise ValueError(
                f"data.{self.name}: names do not pair up: {'; '.join(notes)}. "
                "filename_tmpl turns GT names into LQ names, as '{}x4'"
            )

    def read(self, image: int, case: int) -> Pair:
        """Return an image as it is; GT is cut to `scale` times the LQ size, as BasicSR does. Raises ImageReadError."""
        name = self.images[image]
        source, index = self._lq[self._lq_names[name]]
        lq = _to_tensor(source.read(index))
        if not self.has_gt:
            return Pair(lq, None)
        source, index = self._gt[name]
        gt = _to_tensor(source.read(index))
        height, width = (self.scale * side for side in lq.shape[1:])
        # As BasicSR, which cuts GT: what is left over is less than one LQ pixel.
        if not (0 <= gt.shape[1] - height < self.scale and 0 <= gt.shape[2] - width < self.scale):
            sizes = f"{lq.shape[2]}x{lq.shape[1]} and GT is {gt.shape[2]}x{gt.shape[1]}"
            raise ImageReadError(
                source.path(index), f"LQ is {sizes}, which is not x{self.scale}; set scale accordingly"
            )
        return Pair(lq, gt[:, :height, :width])


def _open(dataroot: str, meta_info: str | None) -> ImageSource:
    return ImageSource(dataroot, io_backend=find_io_backend(dataroot), meta_info=meta_info)


def _by_key(source: ImageSource) -> dict[str, tuple[ImageSource, int]]:
    """Find a source's images by their names without suffix; ValueError for two of one name."""
    found: dict[str, tuple[ImageSource, int]] = {}
    for index in range(len(source)):
        key = source.key(index)
        if key in found:
            paths = printable(f"{source.path(found[key][1])} and {source.path(index)}")
            raise ValueError(f"{paths} would have results of the same name; rename one of them")
        found[key] = source, index
    return found


def _fill(template: str, key: str) -> str:
    folder, _, name = key.rpartition("/")
    return f"{folder}/{template.format(name)}" if folder else template.format(name)


def _to_tensor(image) -> Tensor:
    return img2tensor(image, bgr2rgb=False, float32=True)


def open_image_sets(settings: CompareSettings) -> list[ImageSet]:
    """Open every image set. Raises FileNotFoundError or ValueError for folders that are missing, empty or unpaired."""
    sets: list[ImageSet] = []
    for name, options in settings.data.items():
        if options.dataroot_lq is None:
            sets.append(BenchmarkSet(name, options.benchmark_block(name, scale=settings.scale)))
        else:
            sets.append(StoredSet(name, options, scale=settings.scale))
    return sets
