"""The check of a whole option file before anything is built, and what follows from it: networks learn the scale.

Behind it stands BasicSR's plain dict. All problems are collected and reported in one message.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from basicsr.models import lr_scheduler
from basicsr.utils.registry import ARCH_REGISTRY, DATASET_REGISTRY, LOSS_REGISTRY, METRIC_REGISTRY, MODEL_REGISTRY

from kdsr_compat.registries import registered
from kdsr_data.dataset_settings import DegradedImageSettings, check_benchmark, check_degraded_images, collect
from kdsr_data.degraded_image_dataset import check_patch_fits
from kdsr_data.paired_images import check_pairs
from kdsr_model.checkpoint_checks import check_lpips, check_pretrained, check_student, check_vgg
from kdsr_model.train_settings import (
    TRAIN_SETTINGS,
    ExperimentSettings,
    GANExperimentSettings,
    KDSRValSettings,
    LoggerSettings,
    PathSettings,
    ValSettings,
)
from kdsr_options.schema import OptionError, Problem, join_path, read_settings, type_name, unknown_key, unknown_type

Options = Mapping[str, Any]
SCALE_ARGUMENTS = ("scale", "upscale")  # how BasicSR's networks call it
DATASET_CHECKS = {
    "DegradedImageDataset": check_degraded_images,
    "BlindSRBenchmarkDataset": check_benchmark,
    "PairedImageDataset": check_pairs,
}
SCHEDULERS = {
    "MultiStepLR": lr_scheduler.MultiStepRestartLR,
    "MultiStepRestartLR": lr_scheduler.MultiStepRestartLR,
    "CosineAnnealingRestartLR": lr_scheduler.CosineAnnealingRestartLR,
}
LARGEST_ARGUMENT = 4096  # of our networks: larger ones would take for ever to check
BLOCKS = ("datasets", "path", "train", "val", "logger", "network_g", "network_d")
FILES_AND_FOLDERS = ("dataroot_gt", "dataroot_lq", "meta_info", "meta_info_file")


def prepare_options(opt: dict[str, Any]) -> None:
    """Check parsed options and hand the one `scale` to the networks that take it and were given none.

    Args:
        opt: what BasicSR's `parse_options` returns; `network_*` blocks are completed in place, as BasicSR itself
            completes `datasets` there.

    Raises:
        OptionError: with every problem that was found.
    """
    problems = list(find_problems(opt))
    if problems:
        raise OptionError(problems)
    for key, block in _networks(opt):
        argument = _scale_argument(block)
        if argument and "scale" in opt:
            opt[key] = {**block, argument: opt["scale"]}


def complete_network(block: Any, *, scale: Any, path: str) -> dict[str, Any]:
    """Check a network's block alone and give it with the `scale` (None: the block has its own, or needs none).

    Raises:
        OptionError: with every problem that was found; `path` is where the block stands.
    """
    problems: list[Problem] = []
    if isinstance(block, Mapping) and scale is None:
        scale = block.get(_scale_argument(block))
    _check_network(problems, block, scale=scale, path=path)
    if problems:
        raise OptionError(problems)
    argument = _scale_argument(block)
    return dict(block) if argument is None or scale is None else {**block, argument: scale}


def find_problems(opt: Options) -> list[Problem]:
    """List everything that is wrong with parsed options."""
    problems: list[Problem] = []
    opt = _with_blocks(problems, opt)
    model_type = opt.get("model_type")
    if type_name({"type": model_type}) not in registered(MODEL_REGISTRY):
        problems.append(unknown_type("model_type", "model", model_type, registered(MODEL_REGISTRY)))
    if str(model_type) in TRAIN_SETTINGS:
        _check_blocks(problems, opt)
    for phase, block in (opt.get("datasets") or {}).items():
        _check_dataset(problems, block, path=f"datasets.{phase}")
    for key, block in _networks(opt):
        _check_network(problems, block, scale=opt.get("scale"), path=key)
    if opt.get("is_train"):
        _check_train(problems, opt)
    for name, block in ((opt.get("val") or {}).get("metrics") or {}).items():
        _check_metric(problems, block, path=f"val.metrics.{name}")
    _check_paths(problems, opt)
    return problems


def _with_blocks(problems: list[Problem], opt: Options) -> Options:
    """Report what should be a block and is something else, and put an empty block in its place."""
    wrong = [key for key in BLOCKS if opt.get(key) is not None and not isinstance(opt[key], Mapping)]
    problems.extend(Problem(key, f"expected a block of keys, got {opt[key]!r}") for key in wrong)
    metrics = opt["val"].get("metrics") if isinstance(opt.get("val"), Mapping) else None
    if metrics is not None and not isinstance(metrics, Mapping):
        problems.append(Problem("val.metrics", f"expected a block of keys, got {metrics!r}"))
        opt = {**opt, "val": {**opt["val"], "metrics": None}}
    return {**opt, **{key: {} for key in wrong}}


def _check_blocks(problems: list[Problem], opt: Options) -> None:
    is_gan = "optim_d" in TRAIN_SETTINGS[opt["model_type"]].model_fields
    known_settings = {"": GANExperimentSettings if is_gan else ExperimentSettings, "path": PathSettings}
    known_settings["val"] = KDSRValSettings if opt["model_type"].startswith("KDSR") else ValSettings
    if opt.get("is_train"):
        known_settings |= {"train": TRAIN_SETTINGS[opt["model_type"]], "logger": LoggerSettings}
    for name, settings_class in known_settings.items():
        block = opt if name == "" else opt.get(name)
        if isinstance(block, Mapping):
            collect(problems, read_settings, settings_class, block, path=name)
        elif name in ("train", "logger", "path"):
            problems.append(Problem(name, "is missing"))
    if is_gan and opt.get("is_train") and opt.get("network_d") is None:
        problems.append(Problem("network_d", "is missing: a GAN needs a discriminator"))


def _check_dataset(problems: list[Problem], block: Any, *, path: str) -> None:
    if not isinstance(block, Mapping):
        problems.append(Problem(path, f"expected a block with name and type, got {block!r}"))
        return
    if type_name(block) not in registered(DATASET_REGISTRY):
        problems.append(unknown_type(f"{path}.type", "data set", block.get("type"), registered(DATASET_REGISTRY)))
        return
    check = DATASET_CHECKS.get(block["type"])
    settings = collect(problems, check, block, path) if check else None
    missing = [key for key in FILES_AND_FOLDERS if isinstance(block.get(key), str) and not Path(block[key]).exists()]
    for key in missing:
        problems.append(Problem(f"{path}.{key}", f"{block[key]} does not exist (seen from {Path.cwd()})"))
    if isinstance(settings, DegradedImageSettings) and settings.phase == "train" and not missing:
        _check_images(problems, settings, path=path)


def _check_images(problems: list[Problem], settings: DegradedImageSettings, *, path: str) -> None:
    try:
        collect(problems, check_patch_fits, settings, path)
    except (ValueError, OSError) as error:
        problems.append(Problem(f"{path}.dataroot_gt", str(error)))


def _check_network(problems: list[Problem], block: Any, *, scale: Any, path: str) -> None:
    before = len(problems)
    network = _check_call(problems, block, registered(ARCH_REGISTRY), "network", path=path, given=SCALE_ARGUMENTS)
    argument = _scale_argument(block) if network else None
    if argument and block.get(argument, scale) != scale:
        message = f"{block[argument]} disagrees with the scale {scale} at the top; it can be left out here"
        problems.append(Problem(f"{path}.{argument}", message))
    is_ours = isinstance(network, type) and network.__module__.startswith("kdsr_arch")
    if argument and is_ours and len(problems) == before:
        _check_buildable(problems, network, {**block, argument: scale}, path=path)


def _check_buildable(problems: list[Problem], network: Callable, block: Options, *, path: str) -> None:
    arguments = {key: value for key, value in block.items() if key != "type"}
    for key, value in arguments.items():
        if expected := _misfit(value, default=inspect.signature(network).parameters[key].default):
            problems.append(Problem(f"{path}.{key}", f"expected {expected}, got {value!r}"))
            return
    try:
        with torch.device("meta"):  # shapes only: nothing is allocated
            network(**arguments)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        problems.append(Problem(path, str(error)))


def _misfit(value: Any, *, default: Any) -> str | None:
    """Say what is expected of an argument of our networks, where `value` is something else."""
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
        return None if fits else "a number from 0 on"
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_ARGUMENT
    return None if fits or value is default is None else f"a whole number from 1 to {LARGEST_ARGUMENT}"


def _check_train(problems: list[Problem], opt: Options) -> None:
    train = opt.get("train") or {}
    if "train" not in (opt.get("datasets") or {}):
        problems.append(Problem("datasets.train", "is missing"))
    for key in ("pixel_opt", "perceptual_opt", "idr_opt", "gan_opt", "ldl_opt"):
        if train.get(key) is not None:
            _check_call(problems, train[key], registered(LOSS_REGISTRY), "loss", path=f"train.{key}")
    if isinstance(train.get("scheduler"), Mapping):
        _check_call(problems, train["scheduler"], SCHEDULERS, "scheduler", path="train.scheduler", given=("optimizer",))
    for key in ("optim_g", "optim_d"):
        if isinstance(train.get(key), Mapping):
            _check_optimizer(problems, train[key], path=f"train.{key}")
    if isinstance(opt.get("val"), Mapping) and opt["val"].get("val_freq") is None:
        problems.append(Problem("val.val_freq", "is missing"))
    if str(opt.get("model_type")).startswith("KDSRStudent"):
        check_student(problems, opt)
    check_vgg(problems, opt)


def _check_optimizer(problems: list[Problem], block: Options, *, path: str) -> None:
    optimizers = {name: kind for name, kind in vars(torch.optim).items() if inspect.isclass(kind)}
    _check_call(problems, block, optimizers, "optimiser", path=path, given=("params",))
    rate = block.get("lr")
    if not isinstance(rate, int | float) or not 0 < rate < float("inf"):
        problems.append(Problem(f"{path}.lr", f"expected a number above 0, got {rate!r}"))


def _check_metric(problems: list[Problem], block: Any, *, path: str) -> None:
    check_lpips(problems, block, path=path)
    # BasicSR's metrics swallow unknown arguments, so a misspelt one would go unnoticed.
    _check_call(
        problems,
        block,
        registered(METRIC_REGISTRY),
        "metric",
        path=path,
        given=("img", "img2"),
        extra=("better",),
        open=False,
    )


def _check_paths(problems: list[Problem], opt: Options) -> None:
    missing = False
    for key, value in (opt.get("path") or {}).items():
        is_file = key == "resume_state" or key.startswith("pretrain_network")
        if is_file and key != "pretrain_network_teacher" and value is not None and not Path(str(value)).is_file():
            problems.append(Problem(f"path.{key}", f"{value} does not exist (seen from {Path.cwd()})"))
            missing = True
    if not missing:
        check_pretrained(problems, opt)


def _check_call(
    problems: list[Problem],
    block: Any,
    registered: Mapping[str, Callable],
    what: str,
    *,
    path: str,
    given: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    open: bool = True,
) -> Callable | None:
    """Check a block with a `type` against the signature of what it will call; give that, or None.

    Args:
        given: arguments that BasicSR adds.
        extra: keys that are read elsewhere.
        open: whether `**kwargs` in the signature means that any key is fine.
    """
    if not isinstance(block, Mapping) or type_name(block) not in registered:
        name = block.get("type") if isinstance(block, Mapping) else block
        problems.append(unknown_type(join_path(path, "type"), what, name, registered))
        return None
    called = registered[block["type"]]
    parameters = inspect.signature(called).parameters.values()
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_all = open and any(p.kind is p.VAR_KEYWORD for p in parameters)
    for key in block:
        if key not in named and key not in ("type", *extra) and not takes_all:
            problems.append(unknown_key(path, key, [name for name in named if name not in given or name in block]))
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in block and name not in given:
            problems.append(Problem(join_path(path, name), "is missing"))
    return called


def _networks(opt: Options) -> list[tuple[str, Options]]:
    return [(key, block) for key, block in opt.items() if key.startswith("network_") and isinstance(block, Mapping)]


def _scale_argument(block: Options) -> str | None:
    if type_name(block) not in registered(ARCH_REGISTRY):
        return None
    parameters = inspect.signature(registered(ARCH_REGISTRY)[block["type"]]).parameters
    return next((name for name in SCALE_ARGUMENTS if name in parameters), None)
