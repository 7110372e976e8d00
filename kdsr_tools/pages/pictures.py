"""The pictures of a page: which of many, encoded in a sensible size, and the crops in which models differ most."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import cv2
import numpy as np
import torch
from PIL import Image

Quality = int | Literal["lossless"]
# Tried one after the other until the pictures fit the page: how far WebP's quality goes down, and the size.
REDUCTIONS = ((0, 1.0), (-15, 1.0), (-30, 1.0), (-45, 1.0), (-30, 0.5), (-45, 0.5), (-45, 0.25))
THUMBNAIL_SIZE = 112  # pixels, for screens with two pixels a CSS pixel


def spread(count: int, most: int) -> list[int]:
    """Choose at most `most` of `count` positions, first and last among them, evenly spread."""
    if count <= most:
        return list(range(count))
    return sorted({round(float(position)) for position in torch.linspace(0, count - 1, most)})


@dataclass(frozen=True)
class Encoding:
    """How whole pictures are stored: WebP's quality and a factor on the sides."""

    quality: Quality
    factor: float = 1.0

    def encode(self, picture: np.ndarray) -> str:
        """Return a picture (H, W, 3), BGR uint8, as base64 of a WebP file."""
        if self.factor != 1:
            picture = cv2.resize(picture, None, fx=self.factor, fy=self.factor, interpolation=cv2.INTER_AREA)
        return encode_webp(picture, quality=self.quality)


def encode_webp(picture: np.ndarray, *, quality: Quality = "lossless") -> str:
    """Return a picture (H, W, 3), BGR uint8, as base64 of a WebP file."""
    content = io.BytesIO()
    options = {"lossless": True, "quality": 40} if quality == "lossless" else {"quality": quality}
    Image.fromarray(np.ascontiguousarray(picture[..., ::-1])).save(content, "WEBP", method=2, **options)
    return base64.b64encode(content.getvalue()).decode()


def encode_thumbnail(picture: np.ndarray) -> str:
    """Return a square thumbnail of a picture's middle as base64 of a WebP file."""
    height, width = picture.shape[:2]
    side = min(height, width)
    middle = picture[(height - side) // 2 :, (width - side) // 2 :][:side, :side]
    size = (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    return encode_webp(cv2.resize(middle, size, interpolation=cv2.INTER_AREA), quality=70)


def choose_encoding(sample: Sequence[np.ndarray], *, count: int, quality: Quality, most_megabytes: float) -> Encoding:
    """Choose the best encoding in which `count` pictures like the sample take at most `most_megabytes` of the page."""
    tries = [Encoding(quality)] if quality == "lossless" else []
    start = 85 if quality == "lossless" else quality
    tries += [Encoding(max(start + change, 30), factor) for change, factor in REDUCTIONS]
    for encoding in tries:
        # base64 text is the page's own measure.
        size = sum(len(encoding.encode(picture)) for picture in sample) / max(len(sample), 1) * count
        if size <= most_megabytes * 1e6:
            return encoding
    return tries[-1]


@dataclass(frozen=True)
class Place:
    """A square in a picture, `left` and `top` in GT pixels, and how much the models differ there in 8-bit levels."""

    left: int
    top: int
    size: int
    disagreement: float

    def cut(self, picture: np.ndarray, *, scale: int = 1) -> np.ndarray:
        """Cut the square out of a picture that is `scale` times smaller than GT."""
        left, top, size = (value // scale for value in (self.left, self.top, self.size))
        return picture[top : top + size, left : left + size]


def find_place(pictures: Sequence[np.ndarray], *, size: int, scale: int) -> Place:
    """Find the square of about `size` pixels in which equally large pictures differ most from each other.

    The difference is the root of the variance over the pictures, averaged over colours and the square's pixels; the
    square lies on whole LQ pixels.
    """
    colours = np.stack(pictures).astype(np.float32)  # (N, H, W, 3)
    height, width = colours.shape[1:3]
    size = max(min(size, height, width) // scale * scale, 1)
    variance = cv2.integral(colours.var(axis=0).mean(axis=-1))
    sums = variance[size:, size:] - variance[:-size, size:] - variance[size:, :-size] + variance[:-size, :-size]
    on_grid = sums[::scale, ::scale]
    row, column = np.unravel_index(int(on_grid.argmax()), on_grid.shape)
    disagreement = float(np.sqrt(max(on_grid[row, column], 0) / size**2))
    return Place(int(column) * scale, int(row) * scale, size, disagreement)


as_data_uri = partial("data:image/webp;base64,{}".format)
