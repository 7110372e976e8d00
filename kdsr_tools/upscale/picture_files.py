"""Users' pictures, from files to pixels and back, with their bit depth, transparency and colour profile.

PNG, JPEG, WebP, BMP and TIFF. Pillow decodes and encodes what has 8 bits a channel, OpenCV what has 16. tifffile writes
TIFF, and reads the 16-bit TIFFs that OpenCV mistakes: gray with alpha, and planes stored one after the other.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms, UnidentifiedImageError
from tifffile import EXTRASAMPLE, PHOTOMETRIC

from kdsr_data.image_io import ImageReadError
from kdsr_tools.files import write_then_rename

MAX_PIXELS = 200_000_000
SUFFIXES = {"PNG": [".png"], "JPEG": [".jpg", ".jpeg"], "WEBP": [".webp"], "BMP": [".bmp"], "TIFF": [".tif", ".tiff"]}
FORMATS = {suffix: file_format for file_format, suffixes in SUFFIXES.items() for suffix in suffixes}
PICTURE_SUFFIXES = tuple(FORMATS)
# What libjpeg (the format itself would allow 65535) and libwebp write at most.
LARGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GRAY_MODES = ("1", "L", "LA", "La")
ORIENTATION_TAG = 274
_settings_lock = threading.Lock()


class _Unusable(ValueError):
    """A reason why a picture is refused, before its path is known."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (H, W, C), uint8 or uint16 of full range, and the ICC profile that their colours are in (None: sRGB).

    C is 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGBA; alpha is straight, not premultiplied.
    """

    pixels: np.ndarray
    icc_profile: bytes | None = None

    def __post_init__(self):
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or 0 in shape or shape[2] > 4 or dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels: expected (H, W, 1 to 4) of uint8 or uint16, got {shape} of {dtype}")


def find_format(path: str | Path) -> str:
    """Tell the format that a file is written in from its suffix, as Pillow names it; ValueError for an unknown one."""
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: expected a suffix among {', '.join(PICTURE_SUFFIXES)}, got {suffix!r}")
    return FORMATS[suffix.lower()]


def read_picture(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture upright, its EXIF orientation applied; the format is told by the content, not by the suffix.

    8 and 16 bits a channel are kept. Fewer bits become 8, palettes RGB or RGBA, and CMYK becomes RGB in sRGB. Of an
    animation or a file of several pages comes the first. Other metadata than the ICC profile are left out. A file whose
    header tells of more than `max_pixels` is not decoded.

    Raises:
        ImageReadError: no such file, empty, not a picture, cut off, too large, or of an unsupported pixel type.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ImageReadError(str(path), f"cannot be read ({error.strerror})") from None
    if not content:
        raise ImageReadError(str(path), "the file is empty")
    with _named_reasons(str(path)), _decoder_settings():
        decode = _decode_tiff if content.startswith(TIFF_SIGNATURES) else _decode_picture
        return decode(content, max_pixels)


@contextmanager
def _named_reasons(path: str) -> Iterator[None]:
    try:
        yield
    except _Unusable as error:
        raise ImageReadError(path, str(error)) from None
    except UnidentifiedImageError:
        raise ImageReadError(path, f"not a picture of a known format ({', '.join(SUFFIXES)}), or damaged") from None
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


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise _Unusable(
            f"{width}x{height} is more than {max_pixels} pixels; raise max_pixels (--max-pixels) to allow it"
        )


def _decode_tiff(content: bytes, max_pixels: int) -> Picture:
    page = tifffile.TiffFile(io.BytesIO(content)).pages.first
    _check_size(page.imagewidth, page.imagelength, max_pixels)
    if page.dtype in (np.bool_, np.uint8):
        return _decode_picture(content, max_pixels)
    if page.dtype != np.uint16 or page.bitspersample != 16:
        kind = f"{page.bitspersample} ({page.dtype})"
        raise _Unusable(f"expected 8 or 16 bits a channel, got {kind}; convert the picture first")
    if page.photometric not in (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB):
        raise _Unusable(f"expected gray or RGB at 16 bits, got {page.photometric.name}; convert the picture first")
    pixels = _name_channels(_decode_deep_tiff(content, page), page)
    return Picture(np.ascontiguousarray(pixels), page.tags.valueof("InterColorProfile"))


def _decode_deep_tiff(content: bytes, page: tifffile.TiffPage) -> np.ndarray:
    """Decode a 16-bit TIFF to its channels as stored (H, W, C), upright."""
    if page.axes in ("YX", "YXS") and page.samplesperpixel in (1, 3, 4):
        return _decode_by_opencv(content)  # For TIFF, and only there, OpenCV turns the picture upright.
    pixels = np.moveaxis(page.asarray(), page.axes.index("S"), -1)
    return _turn_upright(pixels, page.tags.valueof(ORIENTATION_TAG, default=1))


def _name_channels(pixels: np.ndarray, page: tifffile.TiffPage) -> np.ndarray:
    """Turn a 16-bit TIFF's channels (H, W, C) into gray or RGB with black at 0, and straight alpha if it has alpha."""
    num_colour = 3 if page.photometric == PHOTOMETRIC.RGB else 1
    colour, alpha = pixels[..., :num_colour], pixels[..., num_colour : num_colour + 1]
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        colour = 65535 - colour
    # Many programs, OpenCV among them, write alpha without saying that it is alpha.
    kind = page.extrasamples[0] if page.extrasamples else EXTRASAMPLE.UNASSALPHA
    if alpha.shape[-1] == 0 or kind == EXTRASAMPLE.UNSPECIFIED:
        return colour
    if kind == EXTRASAMPLE.ASSOCALPHA:
        divisor = np.maximum(alpha, 1).astype(np.uint32)
        colour = np.minimum((colour * np.uint32(65535) + divisor // 2) // divisor, 65535).astype(np.uint16)
    return np.concatenate([colour, alpha], axis=-1)


def _decode_picture(content: bytes, max_pixels: int) -> Picture:
    with Image.open(io.BytesIO(content), formats=list(SUFFIXES)) as image:
        _check_size(image.width, image.height, max_pixels)
        image.load()
        orientation = image.getexif().get(ORIENTATION_TAG, 1)  # Pillow has used and removed that of a TIFF.
        profile = image.info.get("icc_profile") or None
        if image.mode == "CMYK":
            image, profile = _convert_cmyk(image, profile), None
        bits = content[24] if image.format == "PNG" else 8
        pixels = _decode_deep_png(content, image) if bits == 16 else _find_pixels(image, bits)
    return Picture(np.ascontiguousarray(_turn_upright(pixels, orientation)), profile)


def _decode_deep_png(content: bytes, image: Image.Image) -> np.ndarray:
    pixels, transparent_gray = _decode_by_opencv(content), image.info.get("transparency")
    if content[25] == 4:  # The PNG's colour type is gray and alpha, which OpenCV gives as RGBA.
        return pixels[..., [0, 3]]
    if pixels.shape[-1] == 1 and transparent_gray is not None:  # OpenCV heeds only a transparent colour.
        return np.concatenate([pixels, np.where(pixels == transparent_gray, 0, 65535).astype(np.uint16)], axis=-1)
    return pixels


def _decode_by_opencv(content: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("OpenCV cannot decode it")
    return _swap_red_and_blue(np.atleast_3d(pixels))


def _find_pixels(image: Image.Image, bits: int) -> np.ndarray:
    """Find an 8-bit image's pixels (H, W, C); `bits` are those in the file."""
    if image.mode == "L" and bits in (2, 4) and "transparency" in image.info:
        # Pillow widens the pixels to 8 bits, but not the gray that is transparent.
        image.info["transparency"] *= 255 // (2**bits - 1)
    mode = ("L" if image.mode in GRAY_MODES else "RGB") + ("A" if image.has_transparency_data else "")
    return np.atleast_3d(np.array(image.convert(mode)))


def _convert_cmyk(image: Image.Image, profile: bytes | None) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")


def _turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels (H, W, C) as EXIF's orientation, 1 to 8, asks for; other values change nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    return pixels[:: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1]


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
