"""Degraded crops with known degradations, and the IDR' that estimators give for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import cv2
import numpy as np
import torch
from basicsr.utils import img2tensor
from numpy.random import Generator
from torch import Tensor

from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_data import build_degradation
from kdsr_data.degradations import round_to_8_bit
from kdsr_data.presets import BenchmarkCase, preset_cases
from kdsr_data.random_state import rng_for_name

Parameter = Literal["blur", "angle", "noise", "jpeg"]
PARAMETERS: dict[Parameter, str] = {
    "blur": "blur width (pixels)",
    "angle": "blur angle (degrees)",
    "noise": "noise σ (of 255)",
    "jpeg": "JPEG quality",
}
LQ_SIZE = 64  # pixels, as the paper trains
SMALLEST_BLUR = 0.2
# Long over short side of the kernel where the angle varies; a round one has no angle.
ELONGATION = (1.5, 4.0)
LARGEST_NOISE = 25
JPEG_QUALITY = (30, 95)
# Given an LQ image (1, 3, H, W) and its GT: IDR' (1, 4C).
Estimator = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Samples:
    """N degraded crops: `idr_prime` (N, 4C) by estimator, `parameters` (N,) by name, the `image` (N,) each is from."""

    idr_prime: dict[str, np.ndarray]
    parameters: dict[Parameter, np.ndarray]
    image: np.ndarray


def make_estimators(student: KDSRStudent, teacher: KDSRTeacher | None, untrained: KDSRStudent) -> dict[str, Estimator]:
    """Make what is compared: student, teacher where there is one, and the student's estimator before training."""
    estimators: dict[str, Estimator] = {"student": lambda lq, gt: student.estimate_idr(lq)[1]}
    if teacher is not None:
        estimators["teacher"] = lambda lq, gt: teacher.estimate_idr(lq, gt)[1]
    return estimators | {"untrained": lambda lq, gt: untrained.estimate_idr(lq)[1]}


def collect_samples(
    estimators: Mapping[str, Estimator],
    images: Sequence[np.ndarray],
    *,
    scale: int,
    vary: Sequence[Parameter],
    number: int,
) -> Samples:
    """Degrade `number` random crops of `images` (H, W, 3), RGB in [0, 1], and estimate; the same on every run."""
    drawn: list[dict[Parameter, float]] = []
    features: dict[str, list[np.ndarray]] = {name: [] for name in estimators}
    origin: list[int] = []
    for index in range(number):
        rng = rng_for_name("kdsr inspect", str(index))
        image = index % len(images)
        gt = _crop(images[image], LQ_SIZE * scale, scale, rng)
        parameters = draw_parameters(vary, scale=scale, rng=rng)
        pair = _to_batch(degrade(gt, parameters, scale=scale, rng=rng)), _to_batch(gt)
        for name, idr_prime in _estimate(estimators, *pair).items():
            features[name].append(idr_prime)
        drawn.append(parameters)
        origin.append(image)
    by_name = {name: np.array([parameters[name] for parameters in drawn]) for name in vary}
    return Samples({name: np.stack(rows) for name, rows in features.items()}, by_name, np.array(origin))


def draw_parameters(vary: Sequence[Parameter], *, scale: int, rng: Generator) -> dict[Parameter, float]:
    """Draw the parameters in `vary` as the paper trains; the others are moderate blur, round, no noise, no JPEG."""
    parameters: dict[Parameter, float | None] = {
        "blur": rng.uniform(SMALLEST_BLUR, scale) if "blur" in vary else scale / 2,
        "angle": rng.uniform(0, 180) if "angle" in vary else None,
        "noise": rng.uniform(0, LARGEST_NOISE) if "noise" in vary else 0.0,
        "jpeg": int(rng.integers(*JPEG_QUALITY, endpoint=True)) if "jpeg" in vary else None,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def degrade(gt: np.ndarray, parameters: Mapping[Parameter, float], *, scale: int, rng: Generator) -> np.ndarray:
    """Make the LQ image of `gt` (H, W, 3) in [0, 1]: classic degradation, then JPEG where a quality is given."""
    kernel = {"sigma": parameters["blur"]}
    if "angle" in parameters:
        stretch = rng.uniform(*ELONGATION) ** 0.5  # the geometric mean of both sides stays the blur width
        kernel = {"lambda1": parameters["blur"] * stretch, "lambda2": parameters["blur"] / stretch}
        kernel["theta_degrees"] = parameters["angle"]
    block = {"type": "ClassicDegradation", "scale": scale, "noise_sigma_255": parameters.get("noise", 0), **kernel}
    lq = build_degradation(block)(gt, rng)
    return _compress(lq, int(parameters["jpeg"])) if "jpeg" in parameters else lq


def _compress(image: np.ndarray, quality: int) -> np.ndarray:
    bgr = (round_to_8_bit(image) * 255).astype(np.uint8)[..., ::-1]
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cast(np.ndarray, cv2.imdecode(encoded, cv2.IMREAD_COLOR))  # never None: it was written just now
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.float32) / 255


def _crop(image: np.ndarray, size: int, scale: int, rng: Generator) -> np.ndarray:
    height, width = (min(size, side // scale * scale) for side in image.shape[:2])
    top = int(rng.integers(image.shape[0] - height, endpoint=True))
    left = int(rng.integers(image.shape[1] - width, endpoint=True))
    return image[top : top + height, left : left + width]


def distance_cases(vary: Sequence[Parameter], *, scale: int) -> list[BenchmarkCase]:
    """Return the cases in which teacher and student are compared: eight round blurs, or the anisotropic grid."""
    if "angle" in vary:
        return preset_cases("aniso9", scale=scale, noise_levels=(0, 10, 20) if "noise" in vary else (0,))
    sigma_range = (scale / 8, float(scale))
    noise_levels = (0, 10, 20) if "noise" in vary else (0,)
    return preset_cases("gaussian8", scale=scale, noise_levels=noise_levels, sigma_range=sigma_range)


def measure_distances(
    estimators: Mapping[str, Estimator], images: Sequence[np.ndarray], cases: Sequence[BenchmarkCase], *, scale
) -> dict[str, dict[str, float]]:
    """Return each estimator's mean |IDR' - teacher's IDR'| by the case's label, over the middles of images."""
    distances: dict[str, dict[str, float]] = {name: {} for name in estimators if name != "teacher"}
    for label, block in cases:
        degradation = build_degradation(block)
        found: dict[str, list[float]] = {name: [] for name in distances}
        for number, image in enumerate(images):
            gt = _middle(image, LQ_SIZE * scale, scale)
            lq = degradation(gt, rng_for_name(str(number), label))
            idr_prime = _estimate(estimators, _to_batch(lq), _to_batch(gt))
            for name, values in found.items():
                values.append(float(np.abs(idr_prime[name] - idr_prime["teacher"]).mean()))
        for name, values in found.items():
            distances[name][label] = float(np.mean(values))
    return distances


def _middle(image: np.ndarray, size: int, scale: int) -> np.ndarray:
    height, width = (min(size, side // scale * scale) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _to_batch(image: np.ndarray) -> Tensor:
    return img2tensor(np.ascontiguousarray(image), bgr2rgb=False, float32=True)[None]


@torch.inference_mode()
def _estimate(estimators: Mapping[str, Estimator], lq: Tensor, gt: Tensor) -> dict[str, np.ndarray]:
    return {name: estimate(lq, gt)[0].float().cpu().numpy() for name, estimate in estimators.items()}
