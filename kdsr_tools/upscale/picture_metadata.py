"""What a result keeps of its picture's metadata, by what its format can hold, in the words of each encoder."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kdsr_data.pictures import Metadata
from kdsr_data.pictures.png import METRES_AN_INCH, XMP_KEYWORD
from kdsr_data.pictures.stored import ORIENTATION_TAG, XMP_ORIENTATION, parse_exif

EXIF_DIRECTORY, GPS_DIRECTORY, WIDTH_TAG, HEIGHT_TAG, XMP_TAG = 34665, 34853, 40962, 40963, 700
# What TIFF holds beside the pixels, as text: descriptions, camera, time, people.
TEXT_TAGS = (270, 271, 272, 305, 306, 315, 33432)
# Which fields of `Metadata` a format holds; dpi and colour chunks are kept in any case.
HOLDS = {
    "PNG": ("dpi", "exif", "xmp", "colour_chunks", "text_chunks"),
    "JPEG": ("dpi", "exif", "xmp"),
    "WEBP": ("exif", "xmp"),
    "BMP": ("dpi",),
    "TIFF": ("dpi", "exif", "xmp"),
}
PRIVATE = {"exif": "EXIF", "xmp": "XMP", "text_chunks": "text"}
LARGEST_JPEG_BLOCK = 65_000  # bytes; a segment has 65533 at most


def choose_metadata(metadata: Metadata, file_format: str, *, keep_all: bool) -> tuple[Metadata, list[str]]:
    """Choose what a result in a format keeps, and name what `keep_all` asks for and the format cannot hold.

    Without `keep_all`, resolution and the colours' meaning stay; what tells of people, places and cameras does not.
    """
    wanted = metadata if keep_all else replace(metadata, exif=None, xmp=None, text_chunks=())
    dropped = [field for field in vars(Metadata()) if field not in HOLDS[file_format]]
    if file_format == "JPEG":
        dropped += [field for field in ("exif", "xmp") if len(getattr(wanted, field) or b"") > LARGEST_JPEG_BLOCK]
    lost = [PRIVATE[field] for field in dropped if field in PRIVATE and getattr(wanted, field)]
    return replace(wanted, **{field: getattr(Metadata(), field) for field in dropped}), lost


def upright_exif(exif: bytes | None, *, width: int, height: int) -> bytes | None:
    """Rewrite an EXIF block for an upright result of this size; None if there is nothing in it."""
    parsed = parse_exif(exif) if exif else None
    if not parsed:
        return None
    parsed[ORIENTATION_TAG] = 1
    details = parsed.get_ifd(EXIF_DIRECTORY)
    details.update({tag: size for tag, size in ((WIDTH_TAG, width), (HEIGHT_TAG, height)) if tag in details})
    parsed.get_ifd(GPS_DIRECTORY)  # read, so that it is written
    return parsed.tobytes().removeprefix(b"Exif\0\0")


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """Rewrite an XMP block for an upright result."""
    return XMP_ORIENTATION.sub(lambda found: found[0][:-1] + b"1", xmp) if xmp else None


def png_chunks(metadata: Metadata, *, icc_profile: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Yield metadata as the chunks of a PNG, with a profile where the encoder writes none."""
    yield from metadata.colour_chunks
    if icc_profile:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)
    if metadata.dpi:
        sides = (round(dpi / METRES_AN_INCH).to_bytes(4, "big") for dpi in metadata.dpi)
        yield b"pHYs", b"".join(sides) + b"\1"
    if metadata.exif:
        yield b"eXIf", metadata.exif
    if metadata.xmp:
        yield b"iTXt", XMP_KEYWORD + b"\0\0\0\0" + metadata.xmp
    yield from metadata.text_chunks


def pillow_options(metadata: Metadata) -> dict[str, Any]:
    """Return metadata as the options of Pillow's encoders of JPEG, WebP and BMP."""
    options = {"dpi": metadata.dpi, "xmp": metadata.xmp}
    options["exif"] = b"Exif\0\0" + metadata.exif if metadata.exif else None
    return {name: value for name, value in options.items() if value}


def tiff_options(metadata: Metadata) -> dict[str, Any]:
    """Return metadata as the options of tifffile, which writes EXIF's texts and no directories."""
    exif = parse_exif(metadata.exif) if metadata.exif else {}
    tags: list[tuple[int, str, int, Any, bool]] = [
        (tag, "s", 0, text, True) for tag in TEXT_TAGS if isinstance(text := exif.get(tag), str) and text.isascii()
    ]
    if metadata.xmp:
        tags.append((XMP_TAG, "B", len(metadata.xmp), metadata.xmp, True))
    options: dict[str, Any] = {"extratags": tags, "software": False}
    return options | ({"resolution": metadata.dpi, "resolutionunit": "INCH"} if metadata.dpi else {})
