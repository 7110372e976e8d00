"""The check of a whole option file before anything is built, and what BasicSR's dict is given from its settings.

All problems are collected and reported in one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basicsr.utils.registry import MODEL_REGISTRY

from kdsr_compat.registries import registered
from kdsr_model.checks.checkpoints import check_pretrained, check_student, check_vgg
from kdsr_model.checks.data_sets import check_data_sets
from kdsr_model.checks.metrics import check_metric, with_border
from kdsr_model.checks.networks import (
    check_discriminator,
    check_generator,
    check_network,
    networks,
    scale_argument,
    with_scale,
)
from kdsr_model.checks.training import check_training
from kdsr_model.completion import complete_options
from kdsr_model.experiment_settings import EXPERIMENTS, read_experiment
from kdsr_options.modules import import_own_modules
from kdsr_options.schema import OptionError, Problem, collect, type_name, unknown_type

Options = Mapping[str, Any]
BLOCKS = ("datasets", "path", "train", "val", "logger", "network_g", "network_d")
# How messages begin about a block in which there is nothing to look for.
HOLLOW = ("is missing", "is empty", "expected a block of keys")


def prepare_options(opt: dict[str, Any]) -> None:
    """Check parsed options, and complete BasicSR's dict by what its settings say.

    Args:
        opt: what BasicSR's `parse_options` returns; completed in place.

    Raises:
        OptionError: with every problem that was found.
    """
    problems = find_problems(opt)
    if problems:
        raise OptionError(problems)
    complete_options(opt)


def complete_network(block: Any, *, scale: Any, path: str) -> dict[str, Any]:
    """Check a network's block alone and give it with the `scale` (None: the block has its own, or needs none).

    Raises:
        OptionError: with every problem that was found; `path` is where the block stands.
    """
    problems: list[Problem] = []
    if isinstance(block, Mapping) and scale is None:
        scale = block.get(scale_argument(block))
    check_network(problems, block, scale=scale, path=path)
    if problems:
        raise OptionError(problems)
    return with_scale(block, scale=scale)


def find_problems(opt: Options) -> list[Problem]:
    """List everything that is wrong with parsed options."""
    problems: list[Problem] = []
    collect(problems, import_own_modules, opt)
    if problems:
        return problems  # what they would register is missing everywhere
    collect(problems, read_experiment, opt)
    model_type = opt.get("model_type")
    if type_name({"type": model_type}) not in registered(MODEL_REGISTRY):
        problems.append(unknown_type("model_type", "model", model_type, registered(MODEL_REGISTRY)))
    opt = _with_blocks(opt)
    is_known = str(model_type) in EXPERIMENTS
    has_scale = not any(problem.path == "scale" for problem in problems)
    smallest = check_data_sets(problems, opt) if has_scale else {}
    if has_scale:
        _check_networks(problems, opt, is_known=is_known)
    if opt.get("is_train", True):
        check_training(problems, opt, gt_size=_patch_size(opt) if has_scale else None)
    if has_scale:
        _check_metrics(problems, opt, smallest)
    _check_files(problems, opt)
    return _without_repetitions(problems)


def _with_blocks(opt: Options) -> dict[str, Any]:
    """Put empty blocks in the place of those that are missing or something else, which the settings have reported."""
    blocks = {key: dict(opt[key]) if isinstance(opt.get(key), Mapping) else {} for key in BLOCKS}
    metrics = blocks["val"].get("metrics")
    blocks["val"]["metrics"] = metrics if isinstance(metrics, Mapping) else {}
    return {**opt, **blocks}


def _check_networks(problems: list[Problem], opt: Options, *, is_known: bool) -> None:
    for key, block in networks(opt):
        if not block:
            continue
        network = check_network(problems, block, scale=opt.get("scale"), path=key)
        if network is None or not is_known or not isinstance(opt.get("scale"), int):
            continue
        if key == "network_g":
            check_generator(problems, network, opt)
        seen_size = _seen_size(opt)
        if key == "network_d" and seen_size:
            check_discriminator(problems, network, block, size=seen_size)


def _patch_size(opt: Options) -> int | None:
    """Return the size of the training's GT patches, if that is known."""
    block = opt["datasets"].get("train")
    size = block.get("gt_size") if isinstance(block, Mapping) else None
    if isinstance(block, Mapping) and isinstance(block.get("lq_size"), int) and isinstance(opt.get("scale"), int):
        size = block["lq_size"] * opt["scale"]
    return size if isinstance(size, int) and 0 < size <= 1024 else None


def _seen_size(opt: Options) -> int | None:
    """Return the size of the squares that a discriminator sees, if that is known."""
    size, crop = _patch_size(opt), opt["train"].get("gan_crop_size")
    return min(size, crop) if size and isinstance(crop, int) and crop >= 16 else size


def _check_metrics(problems: list[Problem], opt: Options, smallest: Mapping[str, int | None]) -> None:
    sides = [side for phase, side in smallest.items() if phase != "train" and side is not None]
    for name, block in opt["val"]["metrics"].items():
        block = with_border(block, scale=opt.get("scale"))
        check_metric(problems, block, path=f"val.metrics.{name}", smallest=min(sides, default=None))


def _check_files(problems: list[Problem], opt: Options) -> None:
    """Check the checkpoints that `path` names, against networks that are right themselves."""
    wrong = {problem.path.split(".")[0] for problem in problems}
    has_networks = not wrong & {"scale", "network_g", "model_type"}
    has_files = True
    for key, value in opt["path"].items():
        is_file = key == "resume_state" or str(key).startswith("pretrain_network")
        if is_file and key != "pretrain_network_teacher" and value is not None and not Path(str(value)).is_file():
            problems.append(Problem(f"path.{key}", f"{value} does not exist (seen from {Path.cwd()})"))
            has_files = False
    if has_networks and has_files:
        check_pretrained(problems, opt)
    if not opt.get("is_train", True):
        if opt["path"].get("pretrain_network_g") is None and str(opt.get("model_type")) in EXPERIMENTS:
            message = "is missing: a test without weights would measure random ones"
            problems.append(Problem("path.pretrain_network_g", message))
        return
    if has_networks and str(opt.get("model_type")).startswith("KDSRStudent"):
        check_student(problems, opt)
    if not any(problem.path.startswith("train.perceptual_opt") for problem in problems):
        check_vgg(problems, opt)


def _without_repetitions(problems: list[Problem]) -> list[Problem]:
    """Leave out what is said twice, by the settings and by a check of a part, and what lies in a missing block."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.path, problem)
    hollow = tuple(f"{path}." for path, problem in first.items() if problem.message.startswith(HOLLOW))
    return [
        problem
        for problem in dict.fromkeys(problems)
        if (problem is first[problem.path] or _is_another(problem)) and not problem.path.startswith(hollow)
    ]


def _is_another(problem: Problem) -> bool:
    # Files may be wrong in more ways than one.
    return problem.path.startswith(("path.", "datasets."))
