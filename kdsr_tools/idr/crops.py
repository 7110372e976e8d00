"""Many damaged crops, and what a student's estimator makes of each: what heads are fitted on and tested with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from kdsr_arch import KDSRStudent
from kdsr_arch.inference.restorer import ImageRestorer
from kdsr_data.degradations import bicubic_resize
from kdsr_data.image_source import ImageSource
from kdsr_data.random_state import rng_for_name
from kdsr_tools.heads.quality import to_coarseness
from kdsr_tools.heads.reader import join_features
from kdsr_tools.idr.damages import Damage, apply_damage, draw_damage

# LQ pixels of a side: a tile of the map, and a small picture; one picture gives both in turn, two tiles to a picture.
SIDES = (48, 48, 128)
CONTENTS = ("flat", "texture", "edges")
# A crop is flat where 98 % of its LQ gradients, a pixel's step in [0, 1], are below the first; of the others, texture
# where their mean is above this share of those 98 %: gradients everywhere, not along lines.
FLAT_GRADIENT, TEXTURE_SHARE = 0.13, 0.24


@dataclass(frozen=True)
class Crops:
    """N crops: `features` (N, F) of their LQ as heads see them, `idr` (N, C), and what is known of each.

    `targets` (N, T) are the truth in the order of `kdsr_tools.heads.reader.TARGETS`; `image` numbers the picture that
    a crop is from, `content` is a number in `CONTENTS`.
    """

    features: Tensor
    idr: Tensor
    targets: Tensor
    image: np.ndarray
    num_pixels: np.ndarray
    content: np.ndarray


def collect_crops(
    student: KDSRStudent,
    source: ImageSource,
    *,
    number: int,
    seed: int,
    progress: Callable[[], object] = lambda: None,
) -> Crops:
    """Damage about `number` crops of a source's pictures, the same ones on every run with one seed.

    Args:
        progress: called after each picture.
    """
    restorer = ImageRestorer(student)
    rows: list[tuple] = []
    for index in range(len(source)):
        gt = source.read(index)
        for turn in range(index * number // len(source), (index + 1) * number // len(source)):
            rng = rng_for_name("kdsr heads", str(seed), str(turn))
            crop = _cut(gt, side=SIDES[turn % len(SIDES)] * student.scale, scale=student.scale, rng=rng)
            damage = draw_damage(rng, scale=student.scale)
            lq = apply_damage(crop, damage, scale=student.scale, rng=rng)
            features, idr = estimate(restorer, lq)
            rows.append((features, idr, find_targets(damage), index, lq.shape[0] * lq.shape[1], find_content(crop)))
        progress()
    columns = list(zip(*rows, strict=True))
    image, num_pixels, content = (np.array(column) for column in columns[3:])
    targets = torch.tensor(columns[2], dtype=torch.float64)
    return Crops(torch.cat(columns[0]), torch.cat(columns[1]), targets, image, num_pixels, content)


@torch.no_grad()
def estimate(restorer: ImageRestorer, lq: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return what heads see (1, F) of an LQ image (H, W, 3), RGB in [0, 1], and its IDR (1, C)."""
    pooled = restorer.pool_features(torch.from_numpy(np.ascontiguousarray(lq.transpose(2, 0, 1)))[None])
    idr, idr_prime = restorer.student.estimator.summarise(pooled.to(torch.float32))
    return join_features(pooled, idr_prime), idr.to(torch.float64)


def _cut(image: np.ndarray, *, side: int, scale: int, rng: np.random.Generator) -> np.ndarray:
    height, width = (max(min(side, length // scale * scale), 1) for length in image.shape[:2])
    top = int(rng.integers(image.shape[0] - height, endpoint=True))
    left = int(rng.integers(image.shape[1] - width, endpoint=True))
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def find_targets(damage: Damage) -> list[float]:
    """Return what heads should say of a damage, in the order of `TARGETS`."""
    first, second = damage.sigmas
    shape = np.log(first / second) if min(damage.sigmas) > 0 else 0.0
    double = 2 * np.deg2rad(damage.degrees)
    coarseness = 0.0 if damage.quality is None else float(to_coarseness(np.array(damage.quality)))
    vector = (float(shape * np.cos(double)), float(shape * np.sin(double)))
    return [damage.width, damage.noise, coarseness, *vector, float(damage.is_clean)]


def find_content(gt: np.ndarray) -> int:
    """Tell what an undamaged crop (H, W, 3) in [0, 1] shows, by its gradients at a quarter of its size."""
    gray = bicubic_resize(gt, 1 / 4).mean(axis=2, dtype=np.float32)
    across, along = (cv2.Sobel(gray, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    gradients = np.hypot(across, along)
    strongest = float(np.percentile(gradients, 98))
    if strongest < FLAT_GRADIENT:
        return CONTENTS.index("flat")
    return CONTENTS.index("texture" if gradients.mean() > TEXTURE_SHARE * strongest else "edges")
