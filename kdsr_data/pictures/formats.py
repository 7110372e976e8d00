"""Which formats pictures may have, what tells them apart, and what must be installed for those that are rare."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from PIL import features

from kdsr_data.pictures.picture import Unusable

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
JXL_SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
# By Pillow's names, with the suffixes by which files are found in folders.
SUFFIXES = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
    "JXL": (".jxl",),
}
# What Pillow may have been built without, by the name of its feature, and what a package of its own adds to Pillow.
FEATURES = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}
PLUGINS = {"HEIF": ("pillow_heif", "pillow-heif"), "JXL": ("pillow_jxl", "pillow-jxl-plugin")}


def tell_format(content: bytes) -> str | None:
    """Return the format of a file by its first bytes, where that needs no more than a look; Pillow tells the others."""
    if content.startswith(PNG_SIGNATURE):
        return "PNG"
    if content.startswith(TIFF_SIGNATURES):
        return "TIFF"
    if content.startswith(JXL_SIGNATURES):
        return "JXL"
    if content[4:8] == b"ftyp":
        brands = {content[place : place + 4] for place in range(8, min(int.from_bytes(content[:4], "big"), 256), 4)}
        return "AVIF" if brands & {b"avif", b"avis"} else "HEIF" if brands.intersection(HEIF_BRANDS) else None
    return None


def missing_support(file_format: str) -> str | None:
    """Say what must be installed before a format can be read; None if it can."""
    if file_format in FEATURES and not features.check(FEATURES[file_format]):
        return f"{file_format} pictures need a Pillow that was built with {FEATURES[file_format]}"
    if file_format in PLUGINS and find_spec(PLUGINS[file_format][0]) is None:
        return f"{file_format} pictures need a package: pip install {PLUGINS[file_format][1]}"
    return None


def enable(file_format: str) -> None:
    """Let Pillow read a format; Unusable if something is missing for it."""
    if reason := missing_support(file_format):
        raise Unusable(reason)
    if file_format == "HEIF":
        import_module("pillow_heif").register_heif_opener()
    elif file_format == "JXL":
        import_module("pillow_jxl")


@cache
def readable_suffixes() -> tuple[str, ...]:
    """List the suffixes of pictures that can be read with what is installed."""
    return tuple(suffix for name, suffixes in SUFFIXES.items() if not missing_support(name) for suffix in suffixes)


def known_formats() -> str:
    """List the formats that can be read with what is installed, for messages."""
    return ", ".join(name for name in SUFFIXES if not missing_support(name))


def describe_passed_over(names: list[str]) -> str | None:
    """Say which of a folder's files were not taken for pictures, by their suffixes; None if there are none."""
    counts: dict[str, int] = {}
    for name in names:
        suffix = Path(name).suffix.lower() or "no suffix"
        counts[suffix] = counts.get(suffix, 0) + 1
    if not counts:
        return None
    kinds = ", ".join(f"{count} {suffix}{_hint(suffix)}" for suffix, count in sorted(counts.items()))
    files = "1 other file was" if len(names) == 1 else f"{len(names)} other files were"
    return f"{files} passed over ({kinds})"


def _hint(suffix: str) -> str:
    reasons = (missing_support(name) for name, suffixes in SUFFIXES.items() if suffix in suffixes)
    return next((f": {reason}" for reason in reasons if reason), "")
