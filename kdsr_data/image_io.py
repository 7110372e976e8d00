"""Images at the file border: bytes in, RGB float32 out. Everything past this module is RGB in [0, 1]."""

from __future__ import annotations

import cv2
import numpy as np

from kdsr_data.pictures import MAX_PIXELS, ImageReadError, decode_picture
from kdsr_data.pictures import picture_size as image_size
from kdsr_data.pictures.picture import LARGEST_VALUE

__all__ = ["MAX_PIXELS", "ImageReadError", "decode_image", "image_size", "to_float"]


def decode_image(content: bytes, path: str) -> np.ndarray:
    """Decode an image file's bytes to RGB float32 (H, W, 3) in [0, 1], upright.

    Gray images get three equal channels, 16-bit images keep their precision, and an alpha channel is dropped, as
    BasicSR's reader does.

    Args:
        path: named in errors only.

    Raises:
        ImageReadError: empty, truncated or not an image, of more than `MAX_PIXELS`, or of a pixel type without a
            defined white.
    """
    return to_float(decode_picture(content, path).colour)


def to_float(colour: np.ndarray) -> np.ndarray:
    """Turn gray or RGB (H, W, 1 or 3), uint8 or uint16, into RGB float32 (H, W, 3) in [0, 1]."""
    white = LARGEST_VALUE[colour.dtype]
    # OpenCV repeats bytes faster than NumPy repeats floats.
    rgb = cv2.cvtColor(np.ascontiguousarray(colour), cv2.COLOR_GRAY2RGB) if colour.shape[2] == 1 else colour
    rgb = rgb.astype(np.float32, order="C")
    rgb /= white
    return rgb
