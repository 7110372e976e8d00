"""Pictures as NumPy arrays, to what networks see and back: in [0, 1], gray as one channel, alpha premultiplied."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from kdsr_data.pictures.picture import LARGEST_VALUE, Unusable
from kdsr_data.pictures.pillow import find_pixels

# One step of 16 bits: less alpha than this cannot be seen, and dividing by it would only enlarge rounding.
LEAST_ALPHA = 1 / 65535
# How far apart the channels of a gray picture may be. Lossy WebP gives gray back with one step of 8 bits between them;
# half a step more is for the rounding of floats. Finer numbers are the user's own, so there only equal ones are gray.
GRAY_SPREAD = {np.dtype(np.uint8): 1.5 / 255}


class Planes(NamedTuple):
    """`colour` in [0, 1], multiplied by `alpha` (1, 1, H, W) if there is one that is not opaque.

    `colour` is (1, 3, H, W), or (1, 1, H, W) if all of the picture is gray, whatever channels it came with.
    """

    colour: Tensor
    alpha: Tensor | None


def as_array(image: np.ndarray | Image.Image) -> np.ndarray:
    """Return a PIL image as an array in its own depth, with alpha if it has transparency; arrays in the machine's
    order.

    Raises:
        ValueError: the image's mode has no defined white.
    """
    if isinstance(image, Image.Image):
        try:
            pixels = find_pixels(image.copy(), bits=8)
        except Unusable as error:
            raise ValueError(f"image: {error}") from None
        return pixels[..., 0] if pixels.shape[2] == 1 else pixels
    if isinstance(image, np.ndarray) and not image.dtype.isnative:
        return image.astype(image.dtype.newbyteorder("="))
    return image


def to_planes(image: np.ndarray) -> Planes:
    """Turn a picture into planes; RGB whose channels are equal everywhere becomes one channel of gray.

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
    if _is_gray(colour, alpha, spread=GRAY_SPREAD.get(image.dtype, 0.0)):
        colour = colour[:, :1]
    if alpha.shape[1] == 0 or bool((alpha == 1).all()):
        return Planes(colour.contiguous(), None)
    return Planes(colour * alpha, alpha)


def _is_gray(colour: Tensor, alpha: Tensor, *, spread: float) -> bool:
    """Find out whether no pixel that can be seen has channels further apart than `spread`; colours are straight."""
    is_coloured = colour.amax(dim=1, keepdim=True) - colour.amin(dim=1, keepdim=True) > spread
    if alpha.shape[1] == 1:
        is_coloured &= alpha > 0
    return not bool(is_coloured.any())


def to_rgb(plane: Tensor) -> Tensor:
    """Return what networks see of a plane (1, 1 or 3, H, W): three channels, equal ones for gray."""
    return plane.expand(-1, 3, -1, -1).contiguous()


def from_rgb(sr: Tensor, *, like: Tensor) -> Tensor:
    """Give a network's result (1, 3, H, W) the channels of the plane that it was made of.

    For one channel it is the mean, not a luma: the three are guesses at one number, of equal weight in the losses that
    networks are trained with. A luma would trust some of them more. (Measured, the mean is closest to the original.)
    """
    return sr.mean(dim=1, keepdim=True) if like.shape[1] == 1 else sr


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

    `planes` need not be clamped, and are gray where `like` is. Where only `like` has alpha, the result is opaque.
    """
    channels = planes.colour if planes.alpha is None else _divide_by_alpha(planes.colour, planes.alpha)
    num_channels = 1 if like.ndim == 2 else like.shape[2]
    if num_channels in (2, 4):
        alpha = torch.ones_like(channels[:, :1]) if planes.alpha is None else planes.alpha
        channels = torch.cat([channels.expand(-1, num_channels - 1, -1, -1), alpha], dim=1)
    largest = LARGEST_VALUE.get(like.dtype)
    channels.clamp_(0, 1)
    if largest is not None:
        channels.mul_(largest).round_()
    image = channels[0].expand(num_channels, -1, -1).permute(1, 2, 0).numpy().astype(like.dtype, order="C")
    return image[..., 0] if like.ndim == 2 else image


def _divide_by_alpha(colour: Tensor, alpha: Tensor) -> Tensor:
    return torch.where(alpha > LEAST_ALPHA, colour / alpha.clamp(min=LEAST_ALPHA), 0.0)


def resample(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring a plane (1, C, H, W) to another height and width, bicubic, antialiased where it shrinks."""
    return F.interpolate(plane, size=size, mode="bicubic", antialias=True)


def are_finite(results: list[Tensor]) -> bool:
    """Return whether all numbers are. A sum is if its terms are, and needs no array of truth values as large."""
    return all(math.isfinite(float(result.sum())) for result in results)
