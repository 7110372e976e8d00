"""The part of the option check that looks into checkpoint files: do they exist, and do they fit the networks."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from basicsr.utils.registry import ARCH_REGISTRY

from kdsr_arch import NetworkSize, read_weights, size_from_weights
from kdsr_compat.registries import backbone_weights, registered
from kdsr_model.perceptual.lpips_network import LPIPS_BACKBONES, find_lpips_weights
from kdsr_options.schema import Problem, type_name

Options = Mapping[str, Any]


def check_student(problems: list[Problem], opt: Options) -> None:
    train, path = opt.get("train") or {}, opt.get("path") or {}
    if opt.get("dist") and train.get("estimator_warmup_iter") and not opt.get("find_unused_parameters"):
        message = "must be true in distributed training with estimator_warmup_iter, where the SR network rests"
        problems.append(Problem("find_unused_parameters", message))
    if path.get("pretrain_network_g") and train.get("init_sr_from_teacher") and not path.get("resume_state"):
        message = "both path.pretrain_network_g and the teacher would set the SR network; set this to false"
        problems.append(Problem("train.init_sr_from_teacher", message))
    where = "path.pretrain_network_teacher"
    if path.get("pretrain_network_teacher") is None:
        problems.append(Problem(where, "is missing: the student learns from a trained teacher's checkpoint"))
    elif size := _read_size(problems, path, "teacher", hint=" (train the teacher first)"):
        problems.extend(Problem(where, message) for message in _teacher_disagreements(size, opt))


def _read_size(problems: list[Problem], path: Options, name: str, *, hint: str = "") -> NetworkSize | None:
    try:
        weights = read_weights(str(path[f"pretrain_network_{name}"]), param_key=path.get(f"param_key_{name}"))
        return size_from_weights(weights)
    except (OSError, TypeError, ValueError) as error:
        note = hint if isinstance(error, FileNotFoundError) else ""
        problems.append(Problem(f"path.pretrain_network_{name}", f"{error}{note}"))
        return None


def check_pretrained(problems: list[Problem], opt: Options) -> None:
    path, block = opt.get("path") or {}, opt.get("network_g") or {}
    kind = {"KDSRStudent": "student", "KDSRTeacher": "teacher"}.get(type_name(block))
    if kind is None or not path.get("pretrain_network_g") or not path.get("strict_load_g", True):
        return
    size = _read_size(problems, path, "g")
    if size is None:
        return
    where = "path.pretrain_network_g"
    if size.kind != kind:
        problems.append(Problem(where, f"these are a {size.kind}'s weights, network_g is a {kind}"))
    for argument, value in size.arguments().items():
        wanted = opt.get("scale") if argument == "scale" else _network_argument(block, argument)
        if value != wanted:
            problems.append(Problem(where, f"the weights have {argument} {value}, network_g has {wanted}"))


def _network_argument(block: Options, name: str) -> Any:
    """Return a network's argument as its block says or, where it does not, by the network's default."""
    if type_name(block) not in registered(ARCH_REGISTRY):
        return block.get(name)
    parameter = inspect.signature(registered(ARCH_REGISTRY)[block["type"]]).parameters.get(name)
    value = block.get(name, parameter.default if parameter else None)
    return _network_argument(block, "num_feat") if name == "num_estimator_feat" and value is None else value


def _teacher_disagreements(teacher: NetworkSize, opt: Options) -> Iterator[str]:
    if teacher.kind != "teacher":
        yield "this is a student's checkpoint; a teacher's is needed"
        return
    if teacher.scale != opt.get("scale"):
        yield f"the teacher was trained for x{teacher.scale}, these options say scale {opt.get('scale')}"
    student = opt.get("network_g") or {}
    must_agree = ["num_estimator_feat"]  # the IDR' vectors are compared element by element
    if (opt.get("train") or {}).get("init_sr_from_teacher", True):
        must_agree += ["num_feat", "num_block", "direct_upsampler"]
    for key in must_agree:
        value = _network_argument(student, key)
        if value is not None and value != getattr(teacher, key):
            yield f"the teacher has {key} {getattr(teacher, key)}, network_g has {value}"


def check_vgg(problems: list[Problem], opt: Options) -> None:
    """Look for the VGG weights of the perceptual loss, which BasicSR would otherwise try to download."""
    block = (opt.get("train") or {}).get("perceptual_opt")
    if not isinstance(block, Mapping) or block.get("type") != "PerceptualLoss":
        return
    own_path = (opt.get("path") or {}).get("pretrain_network_vgg")
    if own_path is not None:
        if not Path(str(own_path)).is_file():
            problems.append(Problem("path.pretrain_network_vgg", f"{own_path} does not exist (seen from {Path.cwd()})"))
        return
    hint = "name it as path.pretrain_network_vgg; or leave perceptual_opt out"
    _check_backbone(problems, str(block.get("vgg_type", "vgg19")), where="train.perceptual_opt", hint=hint)


def check_lpips(problems: list[Problem], block: Any, *, path: str) -> None:
    """Look for what the metric LPIPS needs: the package, and the weights of the network that it compares with."""
    if not isinstance(block, Mapping) or block.get("type") != "calculate_lpips":
        return
    if find_spec("lpips") is None:
        problems.append(Problem(path, "needs the package lpips: pip install lpips; or leave the metric out"))
    elif str(block.get("net", "alex")) not in LPIPS_BACKBONES:
        known = ", ".join(LPIPS_BACKBONES)
        problems.append(Problem(f"{path}.net", f"expected one of {known}, got {block['net']!r}"))
    else:
        try:
            find_lpips_weights(block.get("net", "alex"), block.get("weights"))
        except FileNotFoundError as error:
            problems.append(Problem(path, f"{error}, or leave the metric out"))


def _check_backbone(problems: list[Problem], name: str, *, where: str, hint: str) -> None:
    try:
        url, places = backbone_weights(name)
    except ValueError:
        problems.append(Problem(where, f"torchvision has no network {name!r}"))
        return
    if not any(place.is_file() for place in places):
        message = f"the weights of {name} were not found: download {url} and put it at {' or '.join(map(str, places))}"
        problems.append(Problem(where, f"{message}, or {hint}"))
