"""TIFF of every layout: tifffile decodes gray and RGB of 8 and 16 bits, Pillow what has other colours or fewer bits."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageCms
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from kdsr_data.pictures.picture import LARGEST_VALUE, Metadata, Picture, Unusable
from kdsr_data.pictures.pillow import convert_cmyk, find_pixels
from kdsr_data.pictures.stored import ORIENTATION_TAG, turn_upright

GRAY_AND_RGB = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
JPEGS = (COMPRESSION.OJPEG, COMPRESSION.JPEG)
REDUCED, MASK = 1, 4  # bits of NewSubfileType: a thumbnail, a mask
XMP_TAG = 700
UNITS_AN_INCH = {2: 1.0, 3: 2.54}
# Of the first directory, what describes the picture and not how it is stored; the last two are directories themselves.
DESCRIPTIVE_TAGS = (270, 271, 272, 305, 306, 315, 33432, 34665, 34853)


class StoredTiff:
    """A TIFF whose page to use was chosen: the first one that is neither a thumbnail nor a mask."""

    def __init__(self, content: bytes):
        self.content = content
        self.tiff = tifffile.TiffFile(io.BytesIO(content))
        pages: list[Any] = list(self.tiff.pages)  # tifffile's types do not say that these are whole pages
        inner = list(pages[0].pages or ()) if pages[0].subfiletype & REDUCED else []
        whole = [page for page in (*pages, *inner) if not page.subfiletype & (REDUCED | MASK)]
        self.page = whole[0] if whole else pages[0]
        self.number = pages.index(self.page) if self.page in pages else None
        self.num_pages = len(whole)
        self.width, self.height = self.page.imagewidth, self.page.imagelength
        self.orientation = self._tag(ORIENTATION_TAG, 1)

    def decode(self) -> Picture:
        """Decode the pixels and turn them upright."""
        page = self.page
        profile = self._tag("InterColorProfile", None)
        if page.dtype not in (np.bool_, np.uint8, np.uint16) or (page.dtype == np.uint16 and page.bitspersample != 16):
            kind = f"{page.bitspersample} ({page.dtype})"
            raise Unusable(f"expected 8 or 16 bits a channel, got {kind}; convert the picture first")
        if page.photometric in GRAY_AND_RGB and page.bitspersample in (8, 16) and page.compression not in JPEGS:
            pixels = turn_upright(_name_channels(self._decode_channels(), page), self.orientation)
        elif page.dtype == np.uint16:
            name = getattr(page.photometric, "name", page.photometric)
            raise Unusable(f"expected gray or RGB at 16 bits, got {name}; convert the picture first")
        else:
            pixels, profile = self._decode_by_pillow(profile)
        return Picture(pixels, profile, self._find_metadata(), self._describe_pages())

    def _decode_channels(self) -> np.ndarray:
        """Decode the channels as stored (H, W, C)."""
        page = self.page
        if any(count == 0 or start + count > len(self.content) for start, count in _segments(page)):
            raise ValueError("parts of it were never written, or are cut off")
        try:
            stored = page.asarray()
        except ValueError as error:
            if "imagecodecs" in str(error):
                raise Unusable(f"compressed by {page.compression.name}: pip install imagecodecs") from None
            raise
        if page.axes not in ("YX", "YXS", "SYX"):
            raise Unusable(f"expected one picture a page, got axes {page.axes}; convert the picture first")
        return stored[..., None] if "S" not in page.axes else np.moveaxis(stored, page.axes.index("S"), -1)

    def _decode_by_pillow(self, profile: bytes | None) -> tuple[np.ndarray, bytes | None]:
        """Decode, upright, and give the profile that the pixels are in."""
        if self.number is None:
            raise Unusable("expected gray or RGB behind the thumbnail; convert the picture first")
        with Image.open(io.BytesIO(self.content), formats=["TIFF"]) as image:
            image.seek(self.number)
            image.load()
            if image.mode == "CMYK":
                image, profile = convert_cmyk(image, profile), None
            elif image.mode == "LAB":
                lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
                image, profile = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB"), None
            # Pillow has used the orientation, and removed it.
            return np.ascontiguousarray(find_pixels(image, bits=8)), profile

    def _find_metadata(self) -> Metadata:
        dpi = None
        x, y = self._tag("XResolution", None), self._tag("YResolution", None)
        factor = UNITS_AN_INCH.get(int(self._tag("ResolutionUnit", 2)))
        if factor and x and y and 0 not in (*x, *y):
            dpi = (round(x[0] / x[1] * factor, 3), round(y[0] / y[1] * factor, 3))
        xmp = self._tag(XMP_TAG, None)
        return Metadata(dpi, self._find_exif(), xmp if isinstance(xmp, bytes) else None)

    def _find_exif(self) -> bytes | None:
        try:
            with Image.open(io.BytesIO(self.content), formats=["TIFF"]) as image:
                found, kept = image.getexif(), Image.Exif()
                for tag in DESCRIPTIVE_TAGS:
                    if tag in found:
                        kept[tag] = found.get_ifd(tag) if tag > 34000 else found[tag]
                return kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) else None
        except Exception:  # a layout that Pillow does not know, or a broken directory
            return None

    def _describe_pages(self) -> tuple[str, ...]:
        if self.num_pages <= 1:
            return ()
        return (f"it has {self.num_pages} pages, of which the first was used",)

    def _tag(self, name: str | int, default: Any) -> Any:
        return self.page.tags.valueof(name, default=default)


def _segments(page: Any) -> list[tuple[int, int]]:
    return list(zip(page.dataoffsets, page.databytecounts, strict=False))


def _name_channels(pixels: np.ndarray, page: Any) -> np.ndarray:
    """Turn channels (H, W, C) into gray or RGB with black at 0, and straight alpha if there is alpha."""
    num_colour = 3 if page.photometric == PHOTOMETRIC.RGB else 1
    colour, alpha = pixels[..., :num_colour], pixels[..., num_colour : num_colour + 1]
    white = int(LARGEST_VALUE[pixels.dtype])
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        colour = pixels.dtype.type(white) - colour
    # Many programs, OpenCV among them, write alpha without saying that it is alpha.
    kind = page.extrasamples[0] if page.extrasamples else EXTRASAMPLE.UNASSALPHA
    if alpha.shape[-1] == 0 or kind == EXTRASAMPLE.UNSPECIFIED:
        return colour
    if kind == EXTRASAMPLE.ASSOCALPHA:
        divisor = np.maximum(alpha, 1).astype(np.uint32)
        straight = (colour * np.uint32(white) + divisor // 2) // divisor
        # What cannot be seen has no colour; a colour that is brighter than its alpha is white.
        colour = np.minimum(straight, white).astype(pixels.dtype)
    return np.concatenate([colour, alpha], axis=-1)
