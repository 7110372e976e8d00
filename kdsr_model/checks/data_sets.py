"""The data sets: their options, and a look at their images, those of validations at all that are read there."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from basicsr.utils import FileClient
from basicsr.utils.registry import DATASET_REGISTRY

from kdsr_compat.registries import registered
from kdsr_data.dataset_settings import (
    BenchmarkSettings,
    DegradedImageSettings,
    ImageSetSettings,
    LoaderSettings,
    OtherSetSettings,
    PairedImageSettings,
    check_benchmark,
    check_degraded_images,
    complete_data_set,
)
from kdsr_data.degraded_image_dataset import check_patch_fits, open_source
from kdsr_data.image_io import ImageReadError
from kdsr_data.image_source import MetaInfoError
from kdsr_data.paired_images import check_pairs
from kdsr_model.checks.calls import Options, check_call, try_block
from kdsr_model.checks.metrics import compares_with_gt
from kdsr_model.experiment_settings import EXPERIMENTS
from kdsr_options.schema import OptionError, Problem, collect, join_path, read_settings, type_name, unknown_type

FILES_AND_FOLDERS = ("dataroot_gt", "dataroot_lq", "meta_info", "meta_info_file")
# How many images of a validation are read at most, spread over the whole set.
READ_IMAGES = 200


def check_data_sets(problems: list[Problem], opt: Options) -> dict[str, int | None]:
    """Check every data set; return the shortest side of each validation's images, where that is known."""
    problems.extend(scale_problems(opt))
    smallest: dict[str, int | None] = {}
    for phase, block in opt["datasets"].items():
        path = f"datasets.{phase}"
        if not isinstance(block, Mapping):
            continue  # which `ExperimentSettings` reports
        if type_name(block) not in registered(DATASET_REGISTRY):
            known = registered(DATASET_REGISTRY)
            problems.append(unknown_type(f"{path}.type", "data set", block.get("type"), known))
            continue
        if phase == "train" and block["type"] == "BlindSRBenchmarkDataset":
            message = (
                "shows whole images under fixed degradations, for validations; to train, take DegradedImageDataset"
            )
            problems.append(Problem(f"{path}.type", f"{block['type']} {message}"))
            continue
        if opt.get("is_train", True) and phase != "train" and phase.split("_")[0] != "val":
            message = "BasicSR trains on train and validates on val, val_1, ...; name it so, or leave it out"
            problems.append(Problem(path, message))
            continue
        settings = collect(problems, read_data_set, block, path)
        if settings is None or settings.optional and is_absent(block):
            continue
        _check_machine(problems, settings, opt, path=path)
        missing = [key for key in FILES_AND_FOLDERS if _names_nothing(block.get(key))]
        for key in missing:
            problems.append(Problem(f"{path}.{key}", f"{block[key]} does not exist (seen from {Path.cwd()})"))
        if not missing:
            smallest[phase] = _check_images(problems, settings, block, path=path)
            if isinstance(settings, OtherSetSettings) and not _has_problem(problems, path):
                smallest[phase] = _try_sample(problems, settings, block, opt, path=path)
    _check_names(problems, opt)
    return smallest


def _has_problem(problems: list[Problem], path: str) -> bool:
    return any(f"{problem.path}.".startswith(f"{path}.") for problem in problems)


def _try_sample(
    problems: list[Problem], settings: OtherSetSettings, block: Options, opt: Options, *, path: str
) -> int | None:
    """Have a data set of others built and give its first sample; return the shortest side of its GT."""
    storage = block.get("io_backend")
    if storage is not None:
        given, where = ("db_paths", "client_keys"), join_path(path, "io_backend")
        if not check_call(problems, storage, FileClient._backends, "storage", path=where, given=given, open=False):
            return None
    needed = _needed_of_sample(opt, is_training=settings.phase == "train")
    if _has_problem(problems, path):
        return None
    block = complete_data_set(block, settings)
    sample = try_block(problems, lambda tried: _first_sample(tried, needed), block, path=path)
    gt = sample.get("gt") if sample else None
    return min(gt.shape[-2:], default=None) if isinstance(gt, torch.Tensor) else None


def _needed_of_sample(opt: Options, *, is_training: bool) -> set[str]:
    """List what the models whose options are known read of a sample."""
    model = str(opt.get("model_type"))
    if model not in EXPERIMENTS:
        return set()
    if is_training:
        return {"lq", "gt"}
    needs_gt = model == "KDSRTeacherModel" or any(map(compares_with_gt, opt["val"]["metrics"].values()))
    return {"lq", "lq_path", *(["gt"] if needs_gt else [])}


def _first_sample(block: Options, needed: set[str]) -> Mapping[str, Any]:
    data_set = registered(DATASET_REGISTRY)[block["type"]](copy.deepcopy(dict(block)))
    if len(data_set) == 0:
        raise ValueError("it has no images")
    sample = data_set[0]
    if missing := needed - sample.keys():
        raise ValueError(f"its samples have no {', '.join(sorted(missing))}")
    return sample


def scale_problems(opt: Options) -> list[Problem]:
    """Find data sets with a scale of their own, which BasicSR's parser replaces by the one at the top."""
    blocks = opt["datasets"] if "scale" in opt and isinstance(opt.get("datasets"), Mapping) else {}
    return [
        Problem(f"datasets.{name}.scale", f"{block['scale']} disagrees with the scale {opt['scale']} at the top")
        for name, block in blocks.items()
        if isinstance(block, Mapping) and block.get("scale", opt["scale"]) != opt["scale"]
    ]


def read_data_set(block: Options, path: str) -> LoaderSettings:
    """Read a data set's block as its class does. Raises OptionError."""
    if block["type"] == "DegradedImageDataset":
        return check_degraded_images(block, path)
    if block["type"] == "BlindSRBenchmarkDataset":
        return check_benchmark(block, path)
    kind = PairedImageSettings if block["type"] == "PairedImageDataset" else OtherSetSettings
    return read_settings(kind, block, path=path)


def _names_nothing(value: Any) -> bool:
    return isinstance(value, str) and not Path(value).exists()


def is_absent(block: Options) -> bool:
    """Return whether a data set's images are not on this machine."""
    return any(_names_nothing(block.get(key)) for key in FILES_AND_FOLDERS)


def _check_machine(problems: list[Problem], settings: LoaderSettings, opt: Options, *, path: str) -> None:
    if settings.prefetch_mode == "cuda" and not (torch.cuda.is_available() and opt.get("num_gpu")):
        message = "cuda needs a GPU, and num_gpu above 0; write ~, or cpu with workers"
        problems.append(Problem(join_path(path, "prefetch_mode"), message))


def _check_images(problems: list[Problem], settings: LoaderSettings, block: Options, *, path: str) -> int | None:
    try:
        if isinstance(settings, DegradedImageSettings) and settings.phase == "train":
            check_patch_fits(settings, path)
        elif isinstance(settings, ImageSetSettings):
            return _read_images(settings, block, path)
        elif isinstance(settings, PairedImageSettings):
            check_pairs(block, path)
    except OptionError as error:
        problems.extend(error.problems)
    except MetaInfoError as error:
        problems.append(Problem(f"{path}.meta_info", str(error)))
    except (ValueError, OSError) as error:
        problems.append(Problem(f"{path}.dataroot_gt", str(error)))
    return None


def _read_images(settings: ImageSetSettings, block: Options, path: str) -> int:
    """Read a validation's images, and give their shortest side. Raises OptionError."""
    source = open_source(settings)
    names = Counter(source.key(index).replace("/", "_") for index in range(len(source)))
    problems = [
        Problem(f"{path}.dataroot_gt", f"{count} images would have results of the name {name}; rename all but one")
        for name, count in names.items()
        if count > 1 and isinstance(settings, BenchmarkSettings)  # other validations give like names each its own
    ]
    shortest = []
    for index in sorted(set(np.linspace(0, len(source) - 1, num=READ_IMAGES, dtype=int).tolist())):
        try:
            shortest.append(min(source.read(index).shape[:2]) // settings.scale * settings.scale)
        except ImageReadError as error:
            problems.append(Problem(f"{path}.dataroot_gt", str(error)))
    if shortest and min(shortest) == 0:
        problems.append(Problem(f"{path}.dataroot_gt", f"an image is smaller than one LQ pixel at x{settings.scale}"))
    if problems:
        raise OptionError(problems)
    return min(shortest)


def _check_names(problems: list[Problem], opt: Options) -> None:
    """Refuse two validations under one name, whose results BasicSR would mix."""
    seen: dict[str, str] = {}
    for phase, name in _validations(opt):
        if name in seen:
            message = f"{name!r} is the name of datasets.{seen[name]} too; give each its own"
            problems.append(Problem(f"datasets.{phase}.name", message))
        seen.setdefault(name, phase)


def _validations(opt: Options) -> Iterator[tuple[str, str]]:
    for phase, block in opt["datasets"].items():
        if phase != "train" and isinstance(block, Mapping) and isinstance(block.get("name"), str):
            yield phase, block["name"]
