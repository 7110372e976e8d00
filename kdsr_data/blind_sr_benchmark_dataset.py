"""Evaluation sets: every GT image in every case of a benchmark, the same LQ images on every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basicsr.data.transforms import mod_crop
from basicsr.utils import img2tensor
from basicsr.utils.registry import DATASET_REGISTRY
from torch.utils.data import Dataset

from kdsr_data.dataset_settings import check_benchmark
from kdsr_data.degradations import build_degradation
from kdsr_data.image_io import ImageReadError
from kdsr_data.image_source import ImageSource
from kdsr_data.pictures.picture import printable
from kdsr_data.random_state import rng_for_name


@DATASET_REGISTRY.register()
class BlindSRBenchmarkDataset(Dataset):
    """Every GT image, cropped to a multiple of the scale, in every case; all cases of an image in a row.

    Noise is seeded by the image's name and the case's label.

    Args:
        opt: the block `datasets.val*` or `datasets.test*`, see `BenchmarkSettings`.

    Raises:
        OptionError: an option is unknown or impossible.
        FileNotFoundError, ValueError: see `ImageSource`.
    """

    def __init__(self, opt: Mapping[str, Any]):
        self.opt = opt  # BasicSR reads the data set's name from it
        options = check_benchmark(opt, f"datasets.{opt.get('phase', 'test')}")
        self.scale = options.scale
        self.source = ImageSource(
            options.dataroot_gt, io_backend=options.io_backend.model_dump(), meta_info=options.meta_info
        )
        self._check_result_names()
        self.cases = options.list_cases()
        self.degradations = [build_degradation(case.degradation) for case in self.cases]

    def _result_name(self, image: int) -> str:
        # BasicSR names result files after it, so it must differ between folders.
        return self.source.key(image).replace("/", "_")

    def _check_result_names(self) -> None:
        first: dict[str, int] = {}
        for image in range(len(self.source)):
            other = first.setdefault(self._result_name(image), image)
            if other != image:
                paths = printable(f"{self.source.path(other)} and {self.source.path(image)}")
                raise ValueError(f"{paths} would have results of the same name; rename one of them")

    def __len__(self) -> int:
        return len(self.source) * len(self.cases)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return `lq`, `gt` (as `DegradedImageDataset`), `gt_path`, `setting` (a case's label), an `lq_path` after it.

        Raises:
            ImageReadError: the image cannot be used; an evaluation never leaves one out silently.
        """
        image, which = divmod(index, len(self.cases))
        case = self.cases[which]
        key = self.source.key(image)
        gt = mod_crop(self.source.read(image), self.scale)
        if 0 in gt.shape:
            raise ImageReadError(self.source.path(image), f"smaller than one LQ pixel at x{self.scale}")
        lq = self.degradations[which](gt, rng_for_name(key, case.label))
        gt_tensor, lq_tensor = img2tensor([gt, lq], bgr2rgb=False, float32=True)
        return {
            "lq": lq_tensor,
            "gt": gt_tensor,
            "lq_path": f"{self._result_name(image)}_{case.label}.png",
            "gt_path": printable(self.source.path(image)),
            "setting": case.label,
        }
