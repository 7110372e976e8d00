"""A mixture of degradations, one drawn for each image: what a model learns from that is to be blind.

Between clean, lightly damaged and ruined pictures, knowing which it is counts most (docs/results.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from pydantic import Field

from kdsr_data.degradations.base import DEGRADATION_REGISTRY, Degradation, build_degradation, degradation_settings
from kdsr_options.schema import FilledBlock, FilledList, OptionError, Problem, Settings, join_path, read_settings

# What a choice says beside its degradation.
CHOICE_KEYS = ("probability", "degraded_size")


class ChoiceSettings(Settings):
    """What stands in a choice beside the keys of its degradation."""

    probability: float = Field(ge=0, le=1)
    degraded_size: int | None = Field(default=None, ge=1)


class MixedSettings(Settings):
    """Options of `MixedDegradation`: `choices`, a list of degradation blocks.

    Each has its `probability`, all of which sum to 1, and may have a `degraded_size` (pixels of GT) in place of the
    data set's. The scale is the mixture's.
    """

    scale: int = Field(ge=1, le=8)
    choices: FilledList[FilledBlock]


@DEGRADATION_REGISTRY.register()
class MixedDegradation(Degradation[MixedSettings]):
    """Draw one of several degradations by its probability, and apply it."""

    settings_class = MixedSettings

    def __init__(self, settings: MixedSettings):
        super().__init__(settings)
        self.choices = [self._build(choice) for choice in settings.choices]
        self._ends = np.cumsum([choice["probability"] for choice in settings.choices])

    def _build(self, choice: Mapping[str, Any]) -> Degradation:
        degradation = build_degradation(_degradation_block(choice, scale=self.settings.scale))
        degradation.degraded_size = choice.get("degraded_size", degradation.degraded_size)
        _hand_down_size(degradation)
        return degradation

    @classmethod
    def check(cls, settings: MixedSettings, *, path: str) -> None:
        """Check every choice, and that their probabilities sum to 1. Raises OptionError."""
        problems: list[Problem] = []
        for index, choice in enumerate(settings.choices):
            problems += _choice_problems(choice, scale=settings.scale, path=join_path(path, "choices", index))
        if not problems and abs((total := sum(choice["probability"] for choice in settings.choices)) - 1) > 1e-6:
            message = f"expected probabilities that sum to 1, got {total:g}"
            problems.append(Problem(join_path(path, "choices"), message))
        if problems:
            raise OptionError(problems)

    def choose(self, rng: Generator) -> Degradation:
        """Draw the degradation of one image, which may itself be a mixture."""
        index = int(np.searchsorted(self._ends, rng.random(), side="right"))
        return self.choices[min(index, len(self.choices) - 1)].choose(rng)  # the sum may fall short of 1 by rounding

    def __call__(self, gt: np.ndarray, rng: Generator) -> np.ndarray:
        """Make the LQ image (ceil(H/s), ceil(W/s), 3) of `gt` (H, W, 3), both RGB float32 in [0, 1]."""
        return self.choose(rng)(gt, rng)


def _hand_down_size(degradation: Degradation) -> None:
    """Let a mixture's choices that ask for no size see as much of GT as the mixture."""
    for choice in degradation.choices if isinstance(degradation, MixedDegradation) else ():
        choice.degraded_size = choice.degraded_size or degradation.degraded_size
        _hand_down_size(choice)


def _degradation_block(choice: Mapping[str, Any], *, scale: int) -> dict[str, Any]:
    return {"scale": scale, **{key: value for key, value in choice.items() if key not in CHOICE_KEYS}}


def _choice_problems(choice: Mapping[str, Any], *, scale: int, path: str) -> list[Problem]:
    problems: list[Problem] = []
    for check in (_check_own_keys, _check_degradation):
        try:
            check(choice, scale=scale, path=path)
        except OptionError as error:
            problems += error.problems
    return problems


def _check_own_keys(choice: Mapping[str, Any], *, scale: int, path: str) -> None:
    read_settings(ChoiceSettings, {key: choice[key] for key in CHOICE_KEYS if key in choice}, path=path)
    if choice.get("scale", scale) != scale:
        message = f"{choice['scale']} disagrees with the scale {scale} above"
        raise OptionError([Problem(join_path(path, "scale"), message)])


def _check_degradation(choice: Mapping[str, Any], *, scale: int, path: str) -> None:
    degradation_settings(_degradation_block(choice, scale=scale), path=path)


def degraded_sizes(block: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """List the sizes that the choices of a checked block ask for, each with its place inside the block."""
    if block["type"] != MixedDegradation.__name__:
        return
    for index, choice in enumerate(block["choices"]):
        place = ("choices", index)
        if choice.get("degraded_size") is not None:
            yield place, choice["degraded_size"]
        yield from ((place + inner, size) for inner, size in degraded_sizes(choice))
