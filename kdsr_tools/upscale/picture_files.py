"""Writing users' pictures, with their bit depth, transparency and colour profile: PNG, JPEG, WebP, BMP and TIFF.

Pillow encodes what has 8 bits a channel, OpenCV PNG of 16, and tifffile TIFF.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from kdsr_data.pictures import MAX_PIXELS, ImageReadError, Picture, read_picture
from kdsr_tools.files import write_then_rename

__all__ = ["MAX_PIXELS", "ImageReadError", "Picture", "find_format", "read_picture", "write_picture"]

SUFFIXES = {"PNG": [".png"], "JPEG": [".jpg", ".jpeg"], "WEBP": [".webp"], "BMP": [".bmp"], "TIFF": [".tif", ".tiff"]}
FORMATS = {suffix: file_format for file_format, suffixes in SUFFIXES.items() for suffix in suffixes}
PICTURE_SUFFIXES = tuple(FORMATS)
# What libjpeg (the format itself would allow 65535) and libwebp write at most.
LARGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}


def find_format(path: str | Path) -> str:
    """Tell the format that a file is written in from its suffix, as Pillow names it; ValueError for an unknown one."""
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: expected a suffix among {', '.join(PICTURE_SUFFIXES)}, got {suffix!r}")
    return FORMATS[suffix.lower()]


def write_picture(path: str | Path, picture: Picture, *, quality: int | None = None, overwrite: bool = False) -> None:
    """Write a picture in the format that the suffix names, whole or not at all.

    PNG and TIFF keep everything. JPEG, WebP and BMP get 16 bits rounded to 8. WebP holds gray as RGB, and a 16-bit PNG
    holds gray with alpha as RGBA. A profile is left out if it does not suit what is stored (gray's in RGB), or for BMP.

    Args:
        quality: 1 to 100 for JPEG (default 95; colours always at full resolution) and WebP (default: lossless); the
            other formats are lossless and ignore it.

    Raises:
        ValueError: an unknown suffix, alpha in JPEG or BMP, more pixels a side than the format holds, or a bad quality.
        FileExistsError: the file exists and `overwrite` is False.
        OSError: the file cannot be written; the message has its path.
    """
    path = Path(path)
    file_format = find_format(path)
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality: expected 1..100, got {quality}")
    if not overwrite and path.exists():
        raise FileExistsError(f"{path}: the file exists already; choose another name, or overwrite=True (--overwrite)")
    _check_fits(path, picture, file_format)
    content = _encode(picture, file_format, quality)
    try:
        with write_then_rename(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:  # That of a full disk has no path, others that of the temporary file.
        raise OSError(error.errno, f"cannot write the picture ({error.strerror})", str(path)) from error


def _check_fits(path: Path, picture: Picture, file_format: str) -> None:
    height, width, channels = picture.pixels.shape
    if channels in (2, 4) and file_format in ("JPEG", "BMP"):
        raise ValueError(f"{path}: {file_format} cannot hold transparency; choose .png, .webp or .tif")
    limit = LARGEST_SIDE.get(file_format)
    if limit and max(height, width) > limit:
        raise ValueError(
            f"{path}: {file_format} holds at most {limit} pixels a side, got {width}x{height}; choose .png"
        )


def _encode(picture: Picture, file_format: str, quality: int | None) -> bytes:
    pixels = _fit_to_format(picture.pixels, file_format)
    profile = picture.icc_profile or b""
    if profile[16:20] != (b"GRAY" if pixels.shape[-1] <= 2 else b"RGB "):
        profile = None
    if file_format == "PNG" and pixels.dtype == np.uint16:
        return _encode_deep_png(pixels, profile)
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if file_format == "TIFF":
        return _encode_tiff(pixels, profile)
    options = {"JPEG": {"quality": quality or 95, "subsampling": "4:4:4"}}
    options["WEBP"] = {"quality": quality or 80, "lossless": quality is None, "exact": True}
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, file_format, icc_profile=profile, **options.get(file_format, {}))
    return encoded.getvalue()


def _fit_to_format(pixels: np.ndarray, file_format: str) -> np.ndarray:
    """Round to 8 bits, and repeat gray as RGB, where the format, or its encoder, holds no more."""
    channels, is_deep = pixels.shape[-1], pixels.dtype == np.uint16
    if is_deep and file_format not in ("PNG", "TIFF"):
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if (file_format == "WEBP" and channels <= 2) or (file_format == "PNG" and is_deep and channels == 2):
        return pixels[..., [0, 0, 0, 1][: channels + 2]]
    return pixels


def _encode_deep_png(pixels: np.ndarray, icc_profile: bytes | None) -> bytes:
    bgr = np.ascontiguousarray(_swap_red_and_blue(pixels))
    if icc_profile is None:
        return cv2.imencode(".png", bgr)[1].tobytes()
    metadata = [np.frombuffer(icc_profile, np.uint8)]
    return cv2.imencodeWithMetadata(".png", bgr, [cv2.IMAGE_METADATA_ICCP], metadata)[1].tobytes()


def _encode_tiff(pixels: np.ndarray, icc_profile: bytes | None) -> bytes:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    layout = {"photometric": "rgb" if channels > 2 else "minisblack", "planarconfig": "contig", "metadata": None}
    extra = ["unassalpha"] if channels in (2, 4) else []
    compression = {"compression": "adobe_deflate", "predictor": True}
    encoded = io.BytesIO()
    tifffile.imwrite(encoded, pixels, extrasamples=extra, iccprofile=icc_profile, **layout, **compression)
    return encoded.getvalue()


def _swap_red_and_blue(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., [2, 1, 0, 3][: pixels.shape[-1]]] if pixels.shape[-1] > 2 else pixels
