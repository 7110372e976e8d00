"""From a file's bytes to a picture: the format is told by the content, and what fails is named with the reason."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
from PIL import Image, UnidentifiedImageError

from kdsr_data.pictures.formats import known_formats, tell_format
from kdsr_data.pictures.picture import MAX_PIXELS, ImageReadError, Picture, Unusable
from kdsr_data.pictures.pillow import StoredByPillow
from kdsr_data.pictures.png import StoredPng
from kdsr_data.pictures.stored import StoredPicture
from kdsr_data.pictures.tiff import StoredTiff

_settings_lock = threading.Lock()


def read_picture(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture file; see `decode_picture`."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ImageReadError(str(path), f"cannot be read ({error.strerror})") from None
    return decode_picture(content, str(path), max_pixels=max_pixels)


def decode_picture(content: bytes, path: str, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture upright, its EXIF orientation applied.

    8 and 16 bits a channel are kept. Fewer bits become 8, palettes RGB or RGBA, CMYK and LAB become RGB in sRGB. Of an
    animation or a file of several pages comes the first, of a TIFF the first that is no thumbnail. A file whose header
    tells of more than `max_pixels` is not decoded.

    Args:
        path: named in errors only.

    Raises:
        ImageReadError: empty, not a picture, cut off, too large, or of an unsupported pixel type.
    """
    with decoding(path):
        stored = _open(content)
        _check_size(stored, max_pixels)
        return stored.decode()


def picture_size(content: bytes, path: str, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Read a picture's height and width, upright, off its header, so that it need not be decoded.

    Raises:
        ImageReadError: empty, not a picture, or of more than `max_pixels`.
    """
    with decoding(path):
        stored = _open(content)
        _check_size(stored, max_pixels)
        return (stored.width, stored.height) if stored.orientation in (5, 6, 7, 8) else (stored.height, stored.width)


def stored_size(path: str | Path) -> tuple[int, int]:
    """Read width and height as they are stored, of a JPEG or PNG without reading more than the file's beginning.

    Raises:
        ImageReadError: missing, or no picture whose header Pillow reads.
    """
    with decoding(str(path)), Image.open(path) as image:
        return image.size


def read_orientation(content: bytes, path: str) -> int:
    """Read the EXIF orientation, 1 to 8, by which the reader turns a picture. Raises as `picture_size`."""
    with decoding(path):
        return _open(content).orientation


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Within this context, whatever decoders raise becomes an ImageReadError with `path`, and their own limits are off.

    Only one thread at a time is in it: enter it for one step of decoding, not for work between them.
    """
    with _named_reasons(path), _decoder_settings():
        yield


def _open(content: bytes) -> StoredPicture:
    if not content:
        raise Unusable("the file is empty")
    file_format = tell_format(content)
    if file_format == "PNG":
        return StoredPng(content)
    return StoredTiff(content) if file_format == "TIFF" else StoredByPillow(content, file_format)


def _check_size(stored: StoredPicture, max_pixels: int) -> None:
    if stored.width * stored.height > max_pixels:
        size = f"{stored.width}x{stored.height}"
        raise Unusable(
            f"{size} is more than {max_pixels} pixels; raise max_pixels (--max-pixels), or cut it into tiles"
        )


@contextmanager
def _named_reasons(path: str) -> Iterator[None]:
    try:
        yield
    except Unusable as error:
        raise ImageReadError(path, str(error)) from None
    except UnidentifiedImageError:
        raise ImageReadError(path, f"not a picture of a known format ({known_formats()}), or damaged") from None
    except Exception as error:  # Damaged files make decoders raise nearly everything, from SyntaxError to MemoryError.
        detail = f"{type(error).__name__}: {error}"
        raise ImageReadError(path, f"cannot be decoded, perhaps damaged or cut off ({detail})") from error


@contextmanager
def _decoder_settings() -> Iterator[None]:
    """Keep Pillow's limit of pixels and remarks on odd files away; all threads share these settings, hence the lock."""
    with _settings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        log_level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = pillow_limit
            cv2.utils.logging.setLogLevel(log_level)


def _renew_lock() -> None:
    global _settings_lock
    _settings_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # A worker that is forked while another thread decodes would wait for ever.
    os.register_at_fork(after_in_child=_renew_lock)
