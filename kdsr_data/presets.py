"""The evaluation cases of the field, by name: Gaussian8 and the anisotropic grid (arXiv 2211.16928, section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

# Gaussian8: first and last of eight equally spaced blur widths in pixels, for each scale. At x2 the paper says
# 0.80 to 1.60, the authors' code uses 0.9 to 1.6.
GAUSSIAN8_SIGMA_RANGE = {2: (0.80, 1.60), 3: (1.35, 2.40), 4: (1.80, 3.20)}
# The anisotropic grid in the order of the papers' tables: lambda1, lambda2 in pixels, theta in degrees.
ANISO9_KERNELS = (
    (2.0, 0.2, 0),
    (2.0, 1.0, 10),
    (3.5, 1.5, 30),
    (3.5, 2.0, 45),
    (3.5, 2.0, 90),
    (4.0, 1.5, 120),
    (4.0, 2.0, 135),
    (4.0, 3.0, 165),
    (4.0, 4.0, 180),
)
Preset = Literal["gaussian8", "aniso9"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
SHORT_NAMES = {"lambda1": "l1", "lambda2": "l2", "theta_degrees": "theta", "noise_sigma_255": "noise"}
WORDS = {"sigma": "blur", "l1": "blur", "l2": "by", "theta": "angle", "noise": "noise"}  # by the label's names


class BenchmarkCase(NamedTuple):
    """One fixed degradation of a benchmark: a label for file names and tables, and its option block."""

    label: str
    degradation: Mapping[str, Any]

    @property
    def blur_width(self) -> float | None:
        """Return the blur width in pixels, of an elongated kernel the geometric mean; None if it is not fixed."""
        long, short = (_fixed(self.degradation.get(side)) for side in ("lambda1", "lambda2"))
        if long is not None and short is not None:
            return (long * short) ** 0.5
        return _fixed(self.degradation.get("sigma"))

    @property
    def noise_level(self) -> float | None:
        """Return the noise level on the 0..255 scale; None if it is not fixed."""
        if self.degradation.get("type") != "ClassicDegradation":
            return None
        return _fixed(self.degradation.get("noise_sigma_255", 0))


def preset_cases(
    preset: str,
    *,
    scale: int,
    noise_levels: Sequence[float] = (0,),
    sigma_range: tuple[float, float] | None = None,
) -> list[BenchmarkCase]:
    """List the cases of a preset, all kernels of a noise level before the next level.

    Args:
        preset: 'gaussian8' or 'aniso9'.
        noise_levels: standard deviations of the noise on the 0..255 scale.
        sigma_range: first and last blur width of gaussian8, instead of those of the paper.

    Raises:
        ValueError: an unknown preset, or gaussian8 at a scale for which the field has no widths.
    """
    kernels = _kernels(preset, scale=scale, sigma_range=sigma_range)
    blocks = [{**kernel, "noise_sigma_255": noise} for noise in noise_levels for kernel in kernels]
    return [make_case(block, scale=scale) for block in blocks]


def make_case(block: dict[str, Any], *, scale: int) -> BenchmarkCase:
    """Complete a degradation block with type and scale; label it as it says, or by its parameters, or by its type.

    Draws follow from the label, so two cases that differ in it alone are two draws of one random degradation.
    """
    own_label = "" if block.get("label") is None else str(block["label"])
    block = {key: value for key, value in block.items() if key != "label"}
    degradation = {"type": "ClassicDegradation", "scale": scale, **block}
    shown = {k: v for k, v in degradation.items() if k not in ("type", "scale") and not _is_nested(v)}
    parts = [f"{SHORT_NAMES.get(key, key)}-{_number(value)}" for key, value in shown.items()]
    return BenchmarkCase(own_label or "_".join(parts) or degradation["type"], degradation)


def describe_label(label: str) -> str:
    """Write a label for people: `sigma-1.8_noise-0` becomes `blur 1.8`."""
    words = []
    for part in label.split("_"):
        name, _, value = part.partition("-")
        if name not in WORDS or not value:
            return label
        if (name, value) != ("noise", "0"):
            words.append(f"{WORDS[name]} {value}{'°' if name == 'theta' else ''}")
    return ", ".join(words).replace(", by", " by") or label


def _kernels(preset: str, *, scale: int, sigma_range: tuple[float, float] | None) -> list[dict[str, float]]:
    if preset == "aniso9":
        return [{"lambda1": l1, "lambda2": l2, "theta_degrees": theta} for l1, l2, theta in ANISO9_KERNELS]
    if preset != "gaussian8":
        raise ValueError(f"expected one of {', '.join(PRESETS)}, got {preset!r}")
    limits = sigma_range or GAUSSIAN8_SIGMA_RANGE.get(scale)
    if limits is None:
        scales = ", ".join(f"x{s}" for s in GAUSSIAN8_SIGMA_RANGE)
        raise ValueError(f"gaussian8 has blur widths for {scales} only; at x{scale} give sigma_range: [first, last]")
    return [{"sigma": round(float(sigma), 4)} for sigma in np.linspace(*limits, 8)]


def _fixed(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(part, dict) for part in value))


def _number(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(_number, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)
