"""Networks: built from their block without memory, and shown what their model will show them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor

from kdsr_compat.registries import registered
from kdsr_model.checks.calls import Options, arguments_of, check_call, try_block
from kdsr_options.schema import Problem, type_name

SCALE_ARGUMENTS = ("scale", "upscale")  # how BasicSR's networks call it
LARGEST_ARGUMENT = 4096  # of our networks: larger ones would take for ever to check
TRIED_LQ_SIZES = (16, 64)
STUDENT_KEYWORDS = {"return_idr", "only_idr"}


def check_network(problems: list[Problem], block: Any, *, scale: Any, path: str) -> Callable | None:
    """Check a network's block; return what it names, if nothing is wrong."""
    before = len(problems)
    network = check_call(problems, block, registered(ARCH_REGISTRY), "network", path=path, given=SCALE_ARGUMENTS)
    argument = scale_argument(block) if network else None
    if argument and block.get(argument, scale) != scale:
        message = f"{block[argument]} disagrees with the scale {scale} at the top; it can be left out here"
        problems.append(Problem(f"{path}.{argument}", message))
    if network and argument and is_ours(network) and len(problems) == before:
        _check_buildable(problems, network, {**block, argument: scale}, path=path)
    return network if len(problems) == before else None


def is_ours(network: Any) -> bool:
    """Return whether a network is of this project, with arguments whose limits are known."""
    return isinstance(network, type) and network.__module__.startswith("kdsr_arch")


def _check_buildable(problems: list[Problem], network: Callable, block: Options, *, path: str) -> None:
    arguments = arguments_of(block)
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


def check_generator(problems: list[Problem], network: Callable, opt: Options) -> None:
    """Check that the model can drive its `network_g`: what it takes, and what it gives."""
    model, block, scale = str(opt["model_type"]), opt["network_g"], opt["scale"]
    taken = inspect.signature(getattr(network, "forward", network)).parameters
    needed = {"KDSRTeacherModel": ("a KDSRTeacher", {"gt"}), "SRModel": ("a network that restores LQ alone", set())}
    what, keywords = needed.get(model, ("a KDSRStudent", STUDENT_KEYWORDS) if "Student" in model else needed["SRModel"])
    # Beside LQ, a network that restores it alone may only take what it can do without.
    others = [p for p in list(taken.values())[2:] if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    is_fitting = keywords <= taken.keys() if keywords else not others
    if not is_fitting:
        problems.append(Problem("network_g.type", f"{model} needs {what}, got {block['type']!r}"))
    elif not is_ours(network) and not keywords:
        complete = {**block, **_scale_of(block, scale)}
        try_block(problems, lambda tried: _restore(network, tried, scale), complete, path="network_g")


def check_discriminator(problems: list[Problem], network: Callable, block: Options, *, size: int) -> None:
    """Check that a discriminator takes squares of the size that the training shows it."""
    try_block(problems, lambda tried: _judge(network, tried, size), block, path="network_d")


def _restore(network: Callable, block: Options, scale: int) -> None:
    for size in TRIED_LQ_SIZES:
        try:
            sr = _forward(network, block, shape=(1, 3, size, size))
            break
        except Exception:  # some networks need patches of a certain size
            if size == TRIED_LQ_SIZES[-1]:
                raise
    if not isinstance(sr, Tensor) or tuple(sr.shape) != (1, 3, scale * size, scale * size):
        shape = "x".join(map(str, sr.shape[1:])) if isinstance(sr, Tensor) else type(sr).__name__
        raise ValueError(f"makes {shape} of 3x{size}x{size}, which is not an image {scale} times as large")


def _judge(network: Callable, block: Options, size: int) -> None:
    if not isinstance(_forward(network, block, shape=(2, 3, size, size)), Tensor):
        raise ValueError("expected a discriminator that gives a tensor")


def _forward(network: Callable, block: Options, *, shape: tuple[int, ...]) -> Any:
    """Run a network where only shapes count, or really, where its code needs numbers."""
    for device in ("meta", "cpu"):
        try:
            with torch.no_grad(), torch.device(device):
                return network(**arguments_of(block))(torch.rand(shape))
        except Exception:  # many networks make tensors of numbers that have no place on this device
            if device == "cpu":
                raise
    return None


def networks(opt: Options) -> Iterator[tuple[str, Options]]:
    """List the networks of an option file with their keys."""
    return ((key, block) for key, block in opt.items() if str(key).startswith("network_") and isinstance(block, dict))


def scale_argument(block: Options) -> str | None:
    """Return the name by which a block's network takes the scale, if it does."""
    if type_name(block) not in registered(ARCH_REGISTRY):
        return None
    parameters = inspect.signature(registered(ARCH_REGISTRY)[block["type"]]).parameters
    return next((name for name in SCALE_ARGUMENTS if name in parameters), None)


def _scale_of(block: Options, scale: Any) -> dict[str, Any]:
    argument = scale_argument(block)
    return {argument: scale} if argument else {}


def with_scale(block: Options, *, scale: Any) -> dict[str, Any]:
    """Return a network's block with the one scale, if it takes one."""
    return dict(block) if scale is None else {**block, **_scale_of(block, scale)}
