"""Writing users' pictures, with their bit depth, transparency and colour profile: PNG, JPEG, WebP, BMP and TIFF.

Pillow encodes what has 8 bits a channel, OpenCV PNG of 16, and tifffile TIFF.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from kdsr_data.pictures import MAX_PIXELS, ImageReadError, Metadata, Picture, read_picture
from kdsr_data.pictures.png import insert_chunks
from kdsr_tools.files import write_then_rename
from kdsr_tools.upscale.picture_metadata import (
    choose_metadata,
    pillow_options,
    png_chunks,
    tiff_options,
    upright_exif,
    upright_xmp,
)

__all__ = ["MAX_PIXELS", "ImageReadError", "Picture", "find_format", "read_picture", "write_picture"]

SUFFIXES = {
    "PNG": [".png"],
    "JPEG": [".jpg", ".jpeg", ".jpe", ".jfif"],
    "WEBP": [".webp"],
    "BMP": [".bmp"],
    "TIFF": [".tif", ".tiff"],
}
FORMATS = {suffix: file_format for file_format, suffixes in SUFFIXES.items() for suffix in suffixes}
PICTURE_SUFFIXES = tuple(FORMATS)
# What libjpeg (the format itself would allow 65535) and libwebp write at most.
LARGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
OPAQUE_FORMATS = ("JPEG", "BMP")
LONGEST_NAME = 255  # bytes, on nearly every file system


def find_format(path: str | Path) -> str:
    """Return the format that a file's suffix stands for, as Pillow names it; ValueError for an unknown one."""
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: expected a suffix among {', '.join(PICTURE_SUFFIXES)}, got {suffix!r}")
    return FORMATS[suffix.lower()]


def write_picture(
    path: str | Path,
    picture: Picture,
    *,
    quality: int | None = None,
    overwrite: bool = False,
    keep_metadata: bool = False,
) -> None:
    """Write a picture in the format that the suffix names, whole or not at all.

    PNG and TIFF keep everything. JPEG, WebP and BMP get 16 bits rounded to 8. WebP holds gray as RGB, and a 16-bit PNG
    holds gray with alpha as RGBA. JPEG and BMP hold no alpha: it is left out where it is opaque. A profile is left out
    if it does not suit what is stored (gray's in RGB), or for BMP.

    Args:
        quality: 1 to 100 for JPEG (default 95; colours always at full resolution) and WebP (default: lossless); the
            other formats are lossless and ignore it.
        keep_metadata: write EXIF, XMP and a PNG's texts, too, as far as the format holds them.

    Raises:
        ValueError: an unknown suffix, alpha in JPEG or BMP, more pixels a side than the format holds, or a bad quality.
        FileExistsError: the file exists and `overwrite` is False.
        OSError: the file cannot be written; the message has its path.
    """
    path = Path(path)
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path}: the file exists already; choose another name, or overwrite=True (--overwrite)")
    content = encode_picture(picture, find_format(path), path=str(path), quality=quality, keep_metadata=keep_metadata)
    try:
        with write_then_rename(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:  # That of a full disk has no path, others that of the temporary file.
        raise OSError(error.errno, f"cannot write the picture ({error.strerror})", str(path)) from error


def encode_picture(
    picture: Picture, file_format: str, *, path: str, quality: int | None = None, keep_metadata: bool = False
) -> bytes:
    """Encode a picture in a format of `SUFFIXES`; `path` is named in errors only. See `write_picture`."""
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality: expected 1..100, got {quality}")
    picture = fit_alpha(picture, file_format)
    height, width, channels = picture.pixels.shape
    check_fits(path, file_format, size=(height, width), has_alpha=channels in (2, 4))
    chosen, _ = choose_metadata(picture.metadata, file_format, keep_all=keep_metadata)
    exif = upright_exif(chosen.exif, width=width, height=height)
    return _encode(picture, file_format, quality, replace(chosen, exif=exif, xmp=upright_xmp(chosen.xmp)))


def fit_alpha(picture: Picture, file_format: str) -> Picture:
    """Leave alpha out where the format holds none and nothing can be seen through the picture anyway."""
    channels = picture.pixels.shape[2]
    if file_format not in OPAQUE_FORMATS or channels not in (2, 4):
        return picture
    is_opaque = bool((picture.pixels[..., -1] == np.iinfo(picture.pixels.dtype).max).all())
    return replace(picture, pixels=np.ascontiguousarray(picture.colour)) if is_opaque else picture


def check_fits(path: str, file_format: str, *, size: tuple[int, int], has_alpha: bool) -> None:
    """Find out, before it is computed, whether a picture of (height, width) can be written; ValueError if not."""
    if has_alpha and file_format in OPAQUE_FORMATS:
        raise ValueError(f"{path}: {file_format} cannot hold transparency; choose .png, .webp or .tif")
    height, width = size
    limit = LARGEST_SIDE.get(file_format)
    if limit and max(size) > limit:
        raise ValueError(
            f"{path}: {file_format} holds at most {limit} pixels a side, got {width}x{height}; choose .png"
        )
    if len(os.fsencode(Path(path).name)) > LONGEST_NAME:
        raise ValueError(f"{path}: names have at most {LONGEST_NAME} bytes; choose a shorter --suffix or --output")


def _encode(picture: Picture, file_format: str, quality: int | None, metadata: Metadata) -> bytes:
    pixels = _fit_to_format(picture.pixels, file_format)
    colour_space = b"GRAY" if pixels.shape[-1] <= 2 else b"RGB "
    profile = picture.icc_profile if (picture.icc_profile or b"")[16:20] == colour_space else None
    if file_format == "PNG" and pixels.dtype == np.uint16:
        encoded = cv2.imencode(".png", np.ascontiguousarray(_swap_red_and_blue(pixels)))[1].tobytes()
        return insert_chunks(encoded, png_chunks(metadata, icc_profile=profile))
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if file_format == "TIFF":
        return _encode_tiff(pixels, profile, metadata)
    options = {"JPEG": {"quality": quality or 95, "subsampling": "4:4:4"}}
    options["WEBP"] = {"quality": quality or 80, "lossless": quality is None, "exact": True}
    kept = {} if file_format == "PNG" else pillow_options(metadata)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, file_format, icc_profile=profile, **options.get(file_format, {}), **kept)
    encoded = content.getvalue()
    return insert_chunks(encoded, png_chunks(metadata)) if file_format == "PNG" else encoded


def _fit_to_format(pixels: np.ndarray, file_format: str) -> np.ndarray:
    """Round to 8 bits, and repeat gray as RGB, where the format, or its encoder, holds no more."""
    channels, is_deep = pixels.shape[-1], pixels.dtype == np.uint16
    if is_deep and file_format not in ("PNG", "TIFF"):
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if (file_format == "WEBP" and channels <= 2) or (file_format == "PNG" and is_deep and channels == 2):
        return pixels[..., [0, 0, 0, 1][: channels + 2]]
    return pixels


def _encode_tiff(pixels: np.ndarray, icc_profile: bytes | None, metadata: Metadata) -> bytes:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    encoded = io.BytesIO()
    tifffile.imwrite(
        encoded,
        pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        extrasamples=["unassalpha"] if channels in (2, 4) else [],
        planarconfig="contig",
        compression="adobe_deflate",
        predictor=True,
        iccprofile=icc_profile,
        metadata=None,
        **tiff_options(metadata),
    )
    return encoded.getvalue()


def _swap_red_and_blue(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., [2, 1, 0, 3][: pixels.shape[-1]]] if pixels.shape[-1] > 2 else pixels
