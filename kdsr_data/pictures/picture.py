"""A decoded picture, and the errors that say why a file gives none."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# What a picture may have at most, unless the caller says otherwise: as float32 RGB, so many are 2.4 GB.
MAX_PIXELS = 200_000_000
# White of each type that a channel may have.
LARGEST_VALUE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


class ImageReadError(ValueError):
    """An image that cannot be used, with its path and the reason."""

    def __init__(self, path: str, reason: str):
        self.path, self.reason = printable(path), printable(reason)
        super().__init__(path, reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Unusable(ValueError):
    """A reason why a picture is refused, before its path is known."""


def printable(text: str) -> str:
    r"""Return a file's name as it can be printed, logged and stored: bytes that are not UTF-8 as `\udc..`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its colours.

    `dpi` are pixels an inch, (x, y). `exif` is the block that begins with TIFF's byte order mark, as it was found; its
    orientation is used up. `colour_chunks` and `text_chunks` are a PNG's, as (name, body).
    """

    dpi: tuple[float, float] | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    text_chunks: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (H, W, C), uint8 or uint16 of full range, and the ICC profile that their colours are in (None: sRGB).

    C is 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGBA; alpha is straight, not premultiplied. `notes` say what
    of the file the pixels do not show.
    """

    pixels: np.ndarray
    icc_profile: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or 0 in shape or shape[2] > 4 or dtype not in LARGEST_VALUE:
            raise ValueError(f"pixels: expected (H, W, 1 to 4) of uint8 or uint16, got {shape} of {dtype}")

    @property
    def colour(self) -> np.ndarray:
        """The pixels without alpha: (H, W, 1 or 3)."""
        return self.pixels[..., : 1 if self.pixels.shape[2] <= 2 else 3]
