"""Optimisers, schedulers and losses, built and stepped once on a tiny network: what they raise then is reported now."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import accumulate
from typing import Any, Literal

import torch
from basicsr.losses import basic_loss
from basicsr.models import lr_scheduler
from basicsr.utils.registry import LOSS_REGISTRY
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn
from torch.optim import Optimizer

from kdsr_compat.registries import registered
from kdsr_model.checks.calls import Options, arguments_of, check_call, is_number, try_block
from kdsr_options.schema import FilledList, Problem, ProblemAt, Settings, collect, join_path, read_settings

LOSSES = ("pixel_opt", "perceptual_opt", "lpips_opt", "idr_opt", "gan_opt", "ldl_opt")
WEIGHTS = ("loss_weight", "perceptual_weight", "style_weight")


class MultiStepSettings(Settings):
    """BasicSR's `MultiStepRestartLR`: the rate times `gamma` at each milestone."""

    type: str
    milestones: list[int]
    gamma: float = Field(default=0.1, gt=0)
    restarts: list[int] = [0]
    restart_weights: list[float] = [1]
    last_epoch: Literal[-1] = -1

    @field_validator("milestones")
    @classmethod
    def _check_order(cls, milestones: list[int]) -> list[int]:
        if milestones != sorted(milestones) or any(milestone < 1 for milestone in milestones):
            raise ValueError(f"expected rising iterations from 1 on, got {milestones}")
        return milestones

    @model_validator(mode="after")
    def _check_restarts(self):
        _check_weights(self.restart_weights, self.restarts, "restarts")
        return self


class CosineSettings(Settings):
    """BasicSR's `CosineAnnealingRestartLR`: the rate falls to `eta_min` in each period."""

    type: str
    periods: FilledList[int]
    restart_weights: list[float] = [1]
    eta_min: float = Field(default=0, ge=0)
    last_epoch: Literal[-1] = -1

    @field_validator("periods")
    @classmethod
    def _check_lengths(cls, periods: list[int]) -> list[int]:
        if any(period < 1 for period in periods):
            raise ValueError(f"expected numbers of iterations from 1 on, got {periods}")
        return periods

    @model_validator(mode="after")
    def _check_weights(self):
        _check_weights(self.restart_weights, self.periods, "periods")
        return self


def _check_weights(weights: list[float], things: list[int], name: str) -> None:
    if len(weights) != len(things):
        raise ProblemAt("restart_weights", f"{len(weights)} weights for {len(things)} {name}; give each its own")
    if not all(0 < weight < math.inf for weight in weights):
        raise ProblemAt("restart_weights", f"expected numbers above 0, got {weights}")


SCHEDULERS: dict[str, tuple[Callable, type[Settings]]] = {
    "MultiStepLR": (lr_scheduler.MultiStepRestartLR, MultiStepSettings),
    "MultiStepRestartLR": (lr_scheduler.MultiStepRestartLR, MultiStepSettings),
    "CosineAnnealingRestartLR": (lr_scheduler.CosineAnnealingRestartLR, CosineSettings),
}


def check_training(problems: list[Problem], opt: Options, *, gt_size: int | None) -> None:
    """Try what the block `train` builds; losses that need large patches on those of the training, if known."""
    train = opt["train"]
    calls = CALLS | {"lpips_opt": partial(_compare_images, side=gt_size or 64)}
    for key in LOSSES:
        if train.get(key) is not None:
            _check_loss(problems, train[key], key, calls[key])
    scheduler = _check_scheduler(problems, train.get("scheduler"))
    for key in ("optim_g", "optim_d"):
        if isinstance(train.get(key), Mapping):
            device = torch.device("cuda" if opt.get("num_gpu") and torch.cuda.is_available() else "cpu")
            optimizer = _check_optimizer(problems, train[key], path=f"train.{key}", device=device)
            if optimizer and scheduler and is_number(train.get("total_iter")):
                _check_schedule(problems, train, scheduler, optimizer)


def _check_optimizer(problems: list[Problem], block: Options, *, path: str, device: torch.device) -> Optimizer | None:
    optimizers = {name: kind for name, kind in vars(torch.optim).items() if _is_optimizer(kind)}
    before = len(problems)
    check_call(problems, block, optimizers, "optimiser", path=path, given=("params",))
    rate: Any = block.get("lr")
    if not is_number(rate) or rate <= 0:
        problems.append(Problem(f"{path}.lr", f"expected a number above 0, got {rate!r}"))
    if len(problems) > before:
        return None
    return try_block(problems, lambda tried: _step(optimizers[tried["type"]], tried, device), block, path=path)


def _is_optimizer(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer


def _step(kind: type[Optimizer], block: Options, device: torch.device) -> Optimizer:
    layer = nn.Conv2d(1, 2, 1, device=device)
    optimizer = kind(layer.parameters(), **arguments_of(block))
    for _ in range(2):
        optimizer.zero_grad()
        layer(torch.ones(1, 1, 1, 1, device=device)).sum().backward()
        optimizer.step()
    if not all(parameter.isfinite().all() for parameter in layer.parameters()):
        raise ValueError("after two steps the weights are no numbers")
    return optimizer


def _check_scheduler(problems: list[Problem], block: Any) -> Settings | None:
    kinds = {name: scheduler for name, (scheduler, _) in SCHEDULERS.items()}
    if not isinstance(block, Mapping) or str(block.get("type")) not in kinds:
        check_call(problems, block, kinds, "scheduler", path="train.scheduler", given=("optimizer",))
        return None
    return collect(problems, read_scheduler, block)


def read_scheduler(block: Options) -> Settings:
    """Read the block of a scheduler that BasicSR knows. Raises OptionError."""
    return read_settings(SCHEDULERS[block["type"]][1], block, path="train.scheduler")


def _check_schedule(problems: list[Problem], train: Options, settings: Any, optimizer: Optimizer) -> None:
    """Follow the schedule to the end of training, looking at the iterations where it turns."""
    warmup: Any = train.get("estimator_warmup_iter")
    last = int(train["total_iter"]) - (int(warmup) if is_number(warmup) else 0) - 1
    rate = optimizer.param_groups[0]["lr"]
    if isinstance(settings, CosineSettings):
        if sum(settings.periods) < last:
            message = f"end after {sum(settings.periods)} iterations, training after {last + 1}"
            problems.append(Problem("train.scheduler.periods", message))
            return
        if settings.eta_min > rate:
            message = f"{settings.eta_min:g} is above the learning rate {rate:g}, which would rise"
            problems.append(Problem("train.scheduler.eta_min", message))
    block = settings.model_dump(exclude_unset=True)
    try_block(problems, lambda tried: _follow(tried, optimizer, last), block, path="train.scheduler")


def _follow(block: Options, optimizer: Optimizer, last: int) -> None:
    for group in optimizer.param_groups:
        group.pop("initial_lr", None)
    scheduler = SCHEDULERS[block["type"]][0](optimizer, **arguments_of(block))
    turns = {0, 1, last, *block.get("milestones", ()), *block.get("restarts", ())}
    turns.update(end + step for end in accumulate(block.get("periods", ())) for step in (0, 1))
    for iteration in sorted(turn for turn in turns if 0 <= turn <= last):
        scheduler.last_epoch = iteration
        for group, rate in zip(optimizer.param_groups, scheduler.get_lr(), strict=True):
            if not math.isfinite(rate) or rate < 0:
                raise ValueError(f"the learning rate is {rate} at iteration {iteration}")
            group["lr"] = rate


def _check_loss(problems: list[Problem], block: Any, key: str, call: Callable[[Options], None]) -> None:
    path, before = f"train.{key}", len(problems)
    check_call(problems, block, registered(LOSS_REGISTRY), "loss", path=path)
    if len(problems) > before:
        return
    for name in WEIGHTS:
        if name in block and (not is_number(block[name]) or block[name] < 0):
            problems.append(Problem(join_path(path, name), f"expected a number from 0 on, got {block[name]!r}"))
    if len(problems) == before:
        try_block(problems, call, block, path=path)


def _build(block: Options) -> nn.Module:
    # Not by BasicSR's `build_loss`: that logs, and the log file is not open yet.
    return registered(LOSS_REGISTRY)[block["type"]](**arguments_of(block))


def _images(side: int) -> tuple[Tensor, Tensor]:
    return torch.rand(2, 3, side, side, requires_grad=True), torch.rand(2, 3, side, side)


def _expect_number(loss: Any) -> None:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        shape = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"expected a loss of one number, got {shape}")
    if not torch.isfinite(loss):
        raise ValueError(f"the loss is {float(loss)}")
    loss.backward()


def _compare_images(block: Options, *, side: int = 16) -> None:
    _expect_number(_build(block)(*_images(side)))


def _compare_vectors(block: Options) -> None:
    _expect_number(_build(block)(torch.rand(2, 8, requires_grad=True), torch.rand(2, 8)))


def _judge(block: Options) -> None:
    loss = _build(block)
    for is_real, is_disc in ((True, False), (True, True), (False, True)):
        _expect_number(loss(torch.rand(2, 1, requires_grad=True), is_real, is_disc=is_disc))


class _Features(nn.Module):
    """Stands in for the VGG network, whose weights take seconds to load; it knows the names of the layers."""

    def __init__(self, layer_name_list: list[str], vgg_type: str, use_input_norm: bool, range_norm: bool):
        super().__init__()
        from basicsr.archs.vgg_arch import NAMES

        known = NAMES[vgg_type.replace("_bn", "")]
        if unknown := [name for name in layer_name_list if name not in known]:
            raise ValueError(f"{vgg_type} has no layer {unknown[0]!r}")
        self.names = layer_name_list

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the images as the features of each layer."""
        return dict.fromkeys(self.names, images)


def _compare_features(block: Options) -> None:
    extractor, basic_loss.VGGFeatureExtractor = basic_loss.VGGFeatureExtractor, _Features
    try:
        loss = _build(block)
    finally:
        basic_loss.VGGFeatureExtractor = extractor
    parts = loss(*_images(side=16))
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise ValueError("expected a loss that gives a perceptual and a style part, as PerceptualLoss")
    if all(part is None for part in parts):
        raise ValueError("perceptual_weight and style_weight are both 0")
    for part in parts:
        if part is not None:
            _expect_number(part)


CALLS: dict[str, Callable[[Options], None]] = {
    "pixel_opt": _compare_images,
    "ldl_opt": _compare_images,
    "perceptual_opt": _compare_features,
    "idr_opt": _compare_vectors,
    "gan_opt": _judge,
}
