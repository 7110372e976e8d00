"""Pictures as NumPy arrays, to what networks see and back: colours as RGB in [0, 1], alpha premultiplied."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

LARGEST_VALUE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
# One step of 16 bits: less alpha than this cannot be seen, and dividing by it would only enlarge rounding.
LEAST_ALPHA = 1 / 65535


class Planes(NamedTuple):
    """`colour` (1, 3, H, W) in [0, 1], multiplied by `alpha` (1, 1, H, W) if there is one that is not opaque."""

    colour: Tensor
    alpha: Tensor | None


def to_planes(image: np.ndarray) -> Planes:
    """Turn a picture into what networks see; gray becomes three equal channels.

    Args:
        image: (H, W) gray, or (H, W, C) of 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGBA) channels; uint8, uint16,
            or floats in [0, 1]. Alpha is straight.

    Raises:
        ValueError: the array is none of these.
    """
    _check(image)
    pixels = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(image), dtype=np.float32))
    pixels = pixels.permute(2, 0, 1)[None] / LARGEST_VALUE.get(image.dtype, 1.0)
    num_colour = 1 if pixels.shape[1] <= 2 else 3
    colour, alpha = pixels[:, :num_colour], pixels[:, num_colour:]
    colour = colour.expand(1, 3, -1, -1)
    if alpha.shape[1] == 0 or bool((alpha == 1).all()):
        return Planes(colour.contiguous(), None)
    return Planes(colour * alpha, alpha)


def _check(image: np.ndarray) -> None:
    is_float = isinstance(image, np.ndarray) and np.issubdtype(image.dtype, np.floating)
    if not is_float and getattr(image, "dtype", None) not in LARGEST_VALUE:
        got = getattr(image, "dtype", type(image).__name__)
        raise ValueError(f"image: expected a NumPy array of uint8, uint16 or floats in [0, 1], got {got}")
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] > 4):
        raise ValueError(f"image: expected (H, W) or (H, W, 1 to 4), got {image.shape}")
    if is_float and not (image.min() >= 0 and image.max() <= 1):  # which NaN does not pass either
        raise ValueError(
            f"image: expected floats in [0, 1], got {image.min()} to {image.max()}; divide by white's value, or clip"
        )


def to_image(planes: Planes, *, like: np.ndarray) -> np.ndarray:
    """Turn a result into a picture with the channels and the number type of `like`; changes the planes in place.

    `planes` need not be clamped; where `like` has alpha and the planes have none, the result is opaque.
    """
    colour = planes.colour if planes.alpha is None else _divide_by_alpha(planes)
    num_channels = 1 if like.ndim == 2 else like.shape[2]
    if num_channels <= 2:
        colour = colour.mean(dim=1, keepdim=True)
    if num_channels in (2, 4):
        alpha = torch.ones_like(colour[:, :1]) if planes.alpha is None else planes.alpha
        colour = torch.cat([colour, alpha], dim=1)
    largest = LARGEST_VALUE.get(like.dtype)
    colour.clamp_(0, 1)
    if largest is not None:
        colour.mul_(largest).round_()
    image = colour[0].permute(1, 2, 0).numpy().astype(like.dtype, order="C")
    return image[..., 0] if like.ndim == 2 else image


def _divide_by_alpha(planes: Planes) -> Tensor:
    alpha = planes.alpha
    return torch.where(alpha > LEAST_ALPHA, planes.colour / alpha.clamp(min=LEAST_ALPHA), 0.0)
