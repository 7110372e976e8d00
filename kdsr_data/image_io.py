"""Images at the file border: bytes in, RGB float32 out. Everything past this module is RGB in [0, 1]."""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
import tifffile
from PIL import Image

# What a step of each integer type is worth, so that its largest value becomes 1.
LARGEST_VALUE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}

# What an image may have at most: as float32, so many pixels are 1.9 GB.
MAX_PIXELS = 160_000_000
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class ImageReadError(ValueError):
    """An image that cannot be used, with its path and the reason."""

    def __init__(self, path: str, reason: str):
        self.path, self.reason = path, reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def decode_image(content: bytes, path: str) -> np.ndarray:
    """Decode an image file's bytes to RGB float32 (H, W, 3) in [0, 1].

    Gray images get three equal channels, 16-bit images keep their precision, and an alpha channel is dropped, as
    BasicSR's reader does.

    Args:
        path: named in errors only.

    Raises:
        ImageReadError: empty, truncated or not an image, of more than `MAX_PIXELS`, or of a pixel type without a
            defined white.
    """
    image_size(content, path)
    bgr = _decode_bgr(content)
    if bgr is None:
        raise ImageReadError(path, "not an image that OpenCV can decode (damaged, or of an unknown format)")
    if bgr.dtype not in LARGEST_VALUE:
        raise ImageReadError(path, f"expected 8 or 16 bits a channel, got {bgr.dtype} pixels; convert the image first")
    # OpenCV turns bytes round ten times as fast as NumPy turns floats, which would take half as long as decoding.
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.float32)
    rgb /= LARGEST_VALUE[bgr.dtype]
    return rgb


def image_size(content: bytes, path: str) -> tuple[int, int]:
    """Read an image's height and width off its header, so that it need not be decoded.

    Raises:
        ImageReadError: empty, not an image, or of more than `MAX_PIXELS`.
    """
    if not content:
        raise ImageReadError(path, "the file is empty")
    try:
        height, width = _read_header(content)
    except Image.DecompressionBombError:
        raise ImageReadError(path, f"more than the {MAX_PIXELS} pixels that are allowed; cut it into tiles") from None
    except Exception as error:  # damaged headers make readers raise nearly everything, from SyntaxError to MemoryError
        reason = "not an image that OpenCV can decode (damaged, or of an unknown format)"
        raise ImageReadError(path, reason) from error
    if height * width > MAX_PIXELS:
        message = f"{height}x{width} is more than the {MAX_PIXELS} pixels that are allowed; cut it into tiles"
        raise ImageReadError(path, message)
    return height, width


def _read_header(content: bytes) -> tuple[int, int]:
    if content.startswith(TIFF_SIGNATURES):  # Pillow does not know all of them
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            page = tiff.pages.first
            return int(page.imagelength), int(page.imagewidth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on large and odd files
        with Image.open(io.BytesIO(content)) as image:
            return image.height, image.width


def _decode_bgr(content: bytes) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        return None
