"""What every degradation is, their registry, and how an option block becomes one.

A degradation is built from an option block and called as `degradation(gt, rng) -> lq`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from basicsr.utils.registry import Registry
from numpy.random import Generator

from kdsr_options.schema import OptionError, Problem, Settings, join_path, read_settings, type_name, unknown_type

DEGRADATION_REGISTRY = Registry("degradation")


SettingsType = TypeVar("SettingsType", bound=Settings)


class Degradation(ABC, Generic[SettingsType]):
    """What every degradation is: built from its settings, called on one image.

    Attributes:
        degraded_size: the GT pixels that it wants to see of an image in training; None: as the data set says.
    """

    settings_class: type[SettingsType]
    degraded_size: int | None = None

    def __init__(self, settings: SettingsType):
        self.settings = settings

    @classmethod  # noqa: B027  (most have nothing more to check)
    def check(cls, settings: SettingsType, *, path: str) -> None:
        """Check what settings hold inside; `path` is where they stand in the option file. Raises OptionError."""

    def remark(self) -> str | None:
        """Say aloud what settings leave out that most people want, or None."""
        return None

    def choose(self, rng: Generator) -> Degradation:
        """Choose the degradation of one image: this one, but for mixtures."""
        return self

    @abstractmethod
    def __call__(self, gt: np.ndarray, rng: Generator) -> np.ndarray:
        """Make the LQ image (ceil(H/s), ceil(W/s), 3) of `gt` (H, W, 3), both RGB float32 in [0, 1].

        All draws come from `rng`.
        """


def build_degradation(opt: Mapping[str, Any], *, path: str = "degradation") -> Degradation:
    """Build a degradation from its option block: `type`, `scale` and what its settings class lists.

    Args:
        path: where the block stands in the option file, for error messages.

    Raises:
        OptionError: an unregistered type, an unknown key or an impossible value.
    """
    settings = degradation_settings(opt, path=path)
    return DEGRADATION_REGISTRY.get(opt["type"])(settings)


def degradation_settings(opt: Mapping[str, Any], *, path: str) -> Settings:
    """Check a degradation's option block and give its settings, building nothing. Raises as `build_degradation`."""
    if not isinstance(opt, Mapping):
        raise OptionError([Problem(path, f"expected a block with a 'type', got {opt!r}")])
    if type_name(opt) not in DEGRADATION_REGISTRY:
        problem = unknown_type(join_path(path, "type"), "degradation", opt.get("type"), DEGRADATION_REGISTRY.keys())
        raise OptionError([problem])
    degradation_class = DEGRADATION_REGISTRY.get(opt["type"])
    block = {key: value for key, value in opt.items() if key != "type"}
    settings = read_settings(degradation_class.settings_class, block, path=path)
    degradation_class.check(settings, path=path)
    return settings


def round_to_8_bit(img: np.ndarray) -> np.ndarray:
    """Clip to [0, 1] and round to the nearest of the 256 levels of an 8-bit file."""
    return (np.clip(img, 0, 1) * 255).round().astype(np.float32) / np.float32(255)
