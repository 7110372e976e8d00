"""What Pillow opens: JPEG, WebP, BMP, GIF, PPM, JPEG 2000, AVIF, and by plugins HEIC and JPEG XL.

OpenCV decodes JPEG and WebP in its place, twice as fast and bit for bit the same.
"""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image, ImageCms

from kdsr_data.pictures.formats import enable
from kdsr_data.pictures.picture import Metadata, Picture, Unusable
from kdsr_data.pictures.stored import decode_by_opencv, find_orientation, turn_upright

GRAY_MODES = ("1", "L", "LA", "La")
COLOUR_MODES = ("RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr", "HSV")
DEEP_GRAY_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
FAST_MODES = {"L": 1, "RGB": 3, "RGBA": 4}
FORMATS = ("JPEG", "WEBP", "BMP", "GIF", "PPM", "JPEG2000")
BETWEEN = rb"(?:\s|#[^\n]*\n)+"
DEEP_PPM = re.compile(rb"P([2356])" + rb"(\d+)".join([BETWEEN] * 4)[: -len(BETWEEN)] + rb"\s")


class StoredByPillow:
    """A picture whose header Pillow has read.

    Args:
        file_format: Pillow's name of the format, where it is known already.
    """

    def __init__(self, content: bytes, file_format: str | None = None):
        if file_format:
            enable(file_format)
        self.content = content
        self.image = Image.open(io.BytesIO(content), formats=[file_format] if file_format else list(FORMATS))
        self.width, self.height = self.image.size
        info = self.image.info
        self.exif = (info.get("exif") or b"").removeprefix(b"Exif\0\0") or None
        self.xmp = info.get("xmp") or None
        self.orientation = find_orientation(self.exif, self.xmp)

    def decode(self) -> Picture:
        """Decode the pixels and turn them upright."""
        with self.image as image:
            notes = _describe_frames(image)
            pixels = self._decode_fast()
            profile = image.info.get("icc_profile") or None
            if pixels is None:
                image.load()
                profile = image.info.get("icc_profile") or None
                if image.mode == "CMYK":
                    image, profile = convert_cmyk(image, profile), None
                pixels = find_pixels(image, bits=8)
            metadata = Metadata(_find_dpi(image), self.exif, self.xmp)
        return Picture(turn_upright(pixels, self.orientation), profile, metadata, notes)

    def _decode_fast(self) -> np.ndarray | None:
        image = self.image
        if image.format == "PPM":
            return _decode_deep_ppm(self.content)
        if image.format not in ("JPEG", "MPO", "WEBP") or image.mode not in FAST_MODES:
            return None
        if image.format == "WEBP" and getattr(image, "n_frames", 1) > 1:
            return None
        pixels = decode_by_opencv(self.content)
        fits = pixels is not None and pixels.shape == (self.height, self.width, FAST_MODES[image.mode])
        return pixels if fits else None


def find_pixels(image: Image.Image, *, bits: int) -> np.ndarray:
    """Find an image's pixels (H, W, C); `bits` are those in the file, where they are 8 or fewer."""
    if image.mode in DEEP_GRAY_MODES:
        return np.array(image).astype(np.uint16)[..., None]
    if image.mode not in (*GRAY_MODES, *COLOUR_MODES):
        raise Unusable(f"expected 8 or 16 bits a channel, got Pillow's mode {image.mode}; convert the picture first")
    if image.mode == "L" and bits in (2, 4) and "transparency" in image.info:
        # Pillow widens the pixels to 8 bits, but not the gray that is transparent.
        image.info["transparency"] *= 255 // (2**bits - 1)
    mode = ("L" if image.mode in GRAY_MODES else "RGB") + ("A" if image.has_transparency_data else "")
    return np.atleast_3d(np.array(image.convert(mode)))


def convert_cmyk(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Turn CMYK into RGB: in sRGB by its profile if it has one, else by the plain formula."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        found = None
    return found or image.convert("RGB")


def _decode_deep_ppm(content: bytes) -> np.ndarray | None:
    """Decode PGM and PPM of more than 8 bits, which Pillow cuts to 8; None if it has no more."""
    header = DEEP_PPM.match(content)
    if header is None or int(header[4]) <= 255:
        return None
    kind, width, height, largest = map(int, header.groups())
    count = height * width * (1 if kind in (2, 5) else 3)
    if kind in (5, 6):
        values = np.frombuffer(content, ">u2", count, header.end())
    else:
        values = np.array(content[header.end() :].split()[:count], dtype=np.uint32)
    if largest > 65535 or values.size < count or int(values.max(initial=0)) > largest:
        raise ValueError(f"expected {count} values up to {largest}, at most 65535")
    scaled = (values.astype(np.uint32) * 65535 + largest // 2) // largest
    return scaled.astype(np.uint16).reshape(height, width, -1)


def _find_dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = (round(float(value), 3) for value in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if x > 0 and y > 0 else None


def _describe_frames(image: Image.Image) -> tuple[str, ...]:
    try:
        number = getattr(image, "n_frames", 1)
    except Exception:  # the frames behind the first may be torn off, which is no fault of the first
        return ()
    return (f"it has {number} frames, of which the first was used",) if number > 1 else ()
