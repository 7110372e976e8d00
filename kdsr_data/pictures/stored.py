"""What every format's module offers of a file, and what they share: orientation, channels, OpenCV's decoder."""

from __future__ import annotations

import re
from typing import Any, Protocol

import cv2
import numpy as np
from PIL import Image

from kdsr_data.pictures.picture import Picture

ORIENTATION_TAG = 274
XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")


class StoredPicture(Protocol):
    """A picture whose header was read: `width` and `height` as they are stored, and EXIF's `orientation` of them."""

    width: int
    height: int
    orientation: int

    def decode(self) -> Picture:
        """Decode the pixels and turn them upright."""


def find_orientation(exif: bytes | None, xmp: bytes | None) -> int:
    """Find the orientation, 1 to 8, in EXIF or else XMP; malformed blocks, which are frequent, say nothing."""
    found = parse_exif(exif).get(ORIENTATION_TAG) if exif else None
    if isinstance(found, int) and 1 <= found <= 8:
        return found
    match = XMP_ORIENTATION.search(xmp) if isinstance(xmp, bytes) else None
    return int(match[1]) if match else 1


def parse_exif(exif: bytes) -> Any:
    """Parse an EXIF block as far as it can be; return Pillow's mapping of its first directory."""
    parsed = Image.Exif()
    try:
        parsed.load(exif)
        dict(parsed)  # Pillow reads values when they are asked for
    except Exception:  # whatever its reader meets in strangers' bytes
        return Image.Exif()
    return parsed


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels (H, W, C) as EXIF's orientation, 1 to 8, asks for; other values change nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    pixels = pixels[:: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1]
    return np.ascontiguousarray(pixels)


def decode_by_opencv(content: bytes) -> np.ndarray | None:
    """Decode as stored, not turned: (H, W, C) with red first; None if OpenCV cannot."""
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None or pixels.ndim == 2:
        return None if pixels is None else pixels[..., None]
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA) if pixels.shape[2] == 4 else pixels
