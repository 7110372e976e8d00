"""Frames as FFmpeg has them to RGB arrays and back: matrix, range and depth stay what they were.

Networks see what is stored, R'G'B' in the film's own primaries and transfer; only the YUV matrix is undone for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation

# Chroma between its samples, and rounding rather than cutting off.
QUALITY = (
    Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
)
UNSPECIFIED = 2  # of primaries, transfer and matrix alike (ITU-T H.273)
RGB_MATRIX = 0
BT709, BT601, BT2020 = 1, 6, 9
# H.273's numbers of YUV matrices to swscale's.
SWSCALE_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
# Pixels from which on players take a film that does not tell for BT.709.
HD_WIDTH, HD_HEIGHT = 1280, 577


@dataclass(frozen=True)
class Colours:
    """A film's colours in the numbers of ITU-T H.273; `range` is FFmpeg's: 0 not told, 1 limited, 2 full."""

    range: int
    primaries: int
    transfer: int
    matrix: int

    @classmethod
    def of(cls, frame: VideoFrame) -> Colours:
        """Read a frame's colours; a matrix that is not told becomes the one that players assume at this size.

        At the size of the result they would assume another one, and colours would change.
        """
        matrix = int(frame.colorspace)
        if matrix == UNSPECIFIED or (matrix == RGB_MATRIX and not frame.format.is_rgb):
            is_hd = frame.width >= HD_WIDTH or frame.height >= HD_HEIGHT
            matrix = BT709 if is_hd else BT601
        full = frame.format.name.startswith("yuvj") or (frame.format.is_rgb and not frame.color_range)
        return cls(2 if full else int(frame.color_range), int(frame.color_primaries), int(frame.color_trc), matrix)

    @property
    def for_yuv(self) -> Colours:
        """What a result in YUV is written with; films in RGB tell no matrix."""
        if self.matrix in SWSCALE_MATRICES:
            return self
        return Colours(self.range, self.primaries, self.transfer, BT709)


def find_depth(pixel_format: str) -> int:
    """Return the bits a channel of a pixel format."""
    return max(component.bits for component in VideoFormat(pixel_format).components)


def to_pixels(frame: VideoFrame, colours: Colours) -> np.ndarray:
    """Return a frame as RGB (H, W, 3): uint8, or uint16 over its whole range where the film has more than 8 bits."""
    is_deep = find_depth(frame.format.name) > 8
    converted = frame.reformat(
        format="rgb48le" if is_deep else "rgb24",
        src_colorspace=SWSCALE_MATRICES.get(colours.matrix),
        src_color_range=colours.range or ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=QUALITY,
        threads=1,
    )
    return converted.to_ndarray()


def to_frame(pixels: np.ndarray, colours: Colours, pixel_format: str) -> VideoFrame:
    """Turn RGB into a frame of a YUV format, with the film's colours."""
    frame = VideoFrame.from_ndarray(
        np.ascontiguousarray(pixels), format="rgb24" if pixels.dtype == np.uint8 else "rgb48le"
    )
    return frame.reformat(
        format=pixel_format,
        src_color_range=ColorRange.JPEG,
        dst_colorspace=SWSCALE_MATRICES[colours.matrix],
        dst_color_range=colours.range or ColorRange.MPEG,
        interpolation=QUALITY,
        threads=1,
    )
