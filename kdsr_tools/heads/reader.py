"""The heads themselves: linear ones on an estimator's features, with intervals that hold nine of ten times.

They see the estimator's pooled features and IDR', as they are and as logarithms. Intervals come from split conformal
prediction (Papadopoulos et al., ECML 2002; Lei et al., arXiv 1604.04173): how far the heads were off on pictures that
they did not learn from, relative to how far another head expects them to be, apart by the picture's size and by what
they say (Vovk's Mondrian taxonomies).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kdsr_arch.checkpoint import read_heads
from kdsr_tools.heads.diagnosis import Diagnosis, Reading
from kdsr_tools.heads.quality import to_quality

# The rows of `weight`: blur width, noise, JPEG's coarseness, the blur's shape as a vector, and how clean.
TARGETS = ("blur", "noise", "coarseness", "shape_x", "shape_y", "cleanness")
# What has an interval: the first three, and the shape, whose interval is a disc.
UNCERTAIN = ("blur", "noise", "coarseness", "shape")
KNOBS = ("denoise", "deblur")
# LQ pixels from which a picture counts as large; a tile of the map has fewer.
LARGE_PIXELS = 64 * 64
STEEPNESS = 30.0
# An interval that covers this much of what nine of ten pictures have tells nothing.
TELLING_SHARE = 0.9
# Probabilities to be clean that make a verdict. Few pictures are clean, hence few that are called damaged are.
CLEAN_FROM, DAMAGED_BELOW = 0.5, 0.1
HOW_TO_MAKE = "make them: kdsr inspect {path} --images FOLDER --save-heads NEW.safetensors"


@dataclass(frozen=True)
class Heads:
    """What reads an IDR; all float64, E expanded features, T targets, U uncertain ones.

    Args:
        centre, spread: (E,) of the expanded features.
        bounds: (E, 2) of these, as standardised: features beyond what the heads learned from count as the nearest.
        weight, bias: (T, E) and (T,).
        error_weight, error_bias, error_limits: (U, E), (U,) and (U, 2): the logarithm of the error to expect.
        edges: (2, U, B - 1), between which of B groups a picture falls by what is said; 2: small and large ones.
        quantiles: (2, U, B): how many expected errors an interval reaches to both sides.
        limits: (3, 2) of blur, noise and coarseness where the heads learned.
        usual: (3, 2): between them lie nine of ten.
        cleanness: (2,): slope and offset of the logit of a picture's probability to be clean.
        knobs: (2, C): what noise and blur, one step more, add to the IDR.
    """

    centre: Tensor
    spread: Tensor
    bounds: Tensor
    weight: Tensor
    bias: Tensor
    error_weight: Tensor
    error_bias: Tensor
    error_limits: Tensor
    edges: Tensor
    quantiles: Tensor
    limits: Tensor
    usual: Tensor
    cleanness: Tensor
    knobs: Tensor

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Heads:
        """Make heads of what a file holds. Raises ValueError where something is missing."""
        names = [field.name for field in fields(cls)]
        if missing := [name for name in names if name not in tensors]:
            raise ValueError(f"the heads lack {', '.join(missing)}; they were made by another version, make them again")
        return cls(**{name: tensors[name].to(torch.float64) for name in names})

    def to_tensors(self) -> dict[str, Tensor]:
        """Return what a file holds."""
        return {field.name: getattr(self, field.name).to(torch.float32) for field in fields(self)}

    def score(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is said (N, T) of features (N, F), see `join_features`, and the errors to expect (N, U)."""
        seen = ((expand(features) - self.centre) / self.spread).clamp(*self.bounds.T)
        said = seen @ self.weight.T + self.bias
        errors = (seen @ self.error_weight.T + self.error_bias).clamp(*self.error_limits.T)
        return said, errors.exp()

    def find_radii(self, features: Tensor, *, num_pixels: int) -> tuple[Tensor, Tensor]:
        """Return what is said (N, T), and how far intervals reach to both sides (N, U)."""
        said, errors = self.score(features)
        size = int(num_pixels >= LARGE_PIXELS)
        levels = find_levels(said)
        groups = torch.stack(
            [torch.bucketize(levels[:, u].contiguous(), self.edges[size, u]) for u in range(len(UNCERTAIN))], dim=1
        )
        reach = self.quantiles[size].expand(len(said), -1, -1).gather(2, groups[..., None])[..., 0]
        return said, errors * reach

    def read(self, features: Tensor, *, num_pixels: int) -> list[Diagnosis]:
        """Say what happened to N pictures or tiles of `num_pixels` LQ pixels each, by their features (N, F)."""
        said, radii = self.find_radii(features, num_pixels=num_pixels)
        return [self._read_one(row.tolist(), reach.tolist()) for row, reach in zip(said, radii, strict=True)]

    def _read_one(self, said: list[float], radii: list[float]) -> Diagnosis:
        blur, noise, coarseness = (self._read_number(k, said[k], radii[k]) for k in range(3))
        elongation, direction = _read_shape(said[3], said[4], radii[3])
        probability = float(self.find_clean_probability(torch.tensor(said[5])))
        return Diagnosis(
            blur=blur,
            elongation=elongation,
            direction=direction,
            noise=noise,
            jpeg=_to_quality(coarseness),
            clean_probability=probability,
            is_clean=None if DAMAGED_BELOW <= probability < CLEAN_FROM else probability >= CLEAN_FROM,
        )

    def find_clean_probability(self, scores: Tensor) -> Tensor:
        """Turn what is said of cleanness into probabilities."""
        slope, offset = self.cleanness
        return torch.sigmoid(slope * scores.to(slope) + offset)

    def _read_number(self, target: int, value: float, radius: float) -> Reading:
        low, high = self.limits[target].tolist()
        if value + radius < low or value - radius > high:  # a picture unlike all that the heads have seen
            return Reading(min(max(value, low), high), low, high, is_known=False)
        usual = float(self.usual[target, 1] - self.usual[target, 0])
        value, bottom, top = (min(max(number, low), high) for number in (value, value - radius, value + radius))
        return Reading(value, bottom, top, is_known=top - bottom < TELLING_SHARE * usual)

    def steer(self, idr: Tensor, *, denoise: float, deblur: float) -> Tensor:
        """Move an IDR (1, C) by so many steps of more noise and more blur; without, it is returned as it is."""
        if denoise == deblur == 0:
            return idr
        steps = torch.tensor([denoise, deblur], dtype=self.knobs.dtype)
        return idr + (steps @ self.knobs).to(idr)


def join_features(pooled: Tensor, idr_prime: Tensor) -> Tensor:
    """Put together what heads see: an estimator's pooled features (N, F) and its IDR' (N, F)."""
    return torch.cat([pooled.to("cpu", torch.float64), idr_prime.to("cpu", torch.float64)], dim=1)


def expand(features: Tensor) -> Tensor:
    """Add logarithms to features (N, F): many of them grow with noise or blur by factors."""
    return torch.cat([features, features.sign() * (features.abs() * STEEPNESS).log1p()], dim=1)


def find_levels(said: Tensor) -> Tensor:
    """Return of what is said (N, T) the height of what has an interval (N, U): the shape's is its length."""
    return torch.cat([said[:, :3], said[:, 3:5].norm(dim=1, keepdim=True)], dim=1)


def _read_shape(x: float, y: float, radius: float) -> tuple[Reading, Reading]:
    """Return elongation and direction: what the disc around (x, y) allows; its vectors have twice the angle."""
    length = float(np.hypot(x, y))
    degrees = float(np.rad2deg(np.arctan2(y, x)) / 2 % 180)
    is_known = length > radius
    half = float(np.rad2deg(np.arcsin(radius / length)) / 2) if is_known else 90.0
    ratio, low, high = np.exp([length, max(length - radius, 0), length + radius]).tolist()
    direction = Reading(degrees, degrees - half, degrees + half, is_known=is_known)
    return Reading(ratio, low, high, is_known=is_known), direction


def _to_quality(coarseness: Reading) -> Reading:
    value, low, high = (to_quality(number) for number in (coarseness.value, coarseness.high, coarseness.low))
    return Reading(value, low, high, is_known=coarseness.is_known)


def load_heads(path: str | Path) -> Heads:
    """Read a model file's heads.

    Raises:
        ValueError: it has none; the message says how to make them.
    """
    tensors = read_heads(path)
    if not tensors:
        raise ValueError(f"{path}: this model has no heads that read its IDR; {HOW_TO_MAKE.format(path=path)}")
    try:
        return Heads.from_tensors(tensors)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
