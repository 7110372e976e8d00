"""A map of a picture's blur and noise: its tiles coloured and numbered, beside the picture itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kdsr_tools.heads.diagnosis import Diagnosis, Reading
from kdsr_tools.pages.grid import write_grid
from kdsr_tools.upscale.diagnosing import MAP_TILE_SIZE
from kdsr_tools.upscale.pixels import to_planes, to_rgb

# Shorter pictures are enlarged until their tiles have room for a number; larger ones are shrunk.
SHORTEST_SIDE, LONGEST_SIDE = 400, 1600
BLUR_COLOUR, NOISE_COLOUR = (255, 120, 0), (220, 0, 200)
MOST_BLUR, MOST_NOISE = 4.0, 25.0
STRONGEST_TINT = 0.6
FONT_SHARE = 0.3  # of a tile's side
UNKNOWN = "?"


def write_map(path: Path, pixels: np.ndarray, rows: Sequence[Sequence[Diagnosis]]) -> None:
    """Write three panels: the picture (as `Upscaler` takes it), its tiles by blur, and its tiles by noise."""
    picture = _to_8_bit(pixels)
    factor = _choose_factor(picture.shape[0], picture.shape[1])
    size = tuple(max(round(side * factor), 1) for side in picture.shape[1::-1])
    shown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST)
    blur = draw_tiles(shown, rows, lambda d: d.blur, side=MAP_TILE_SIZE * factor, most=MOST_BLUR, colour=BLUR_COLOUR)
    noise = draw_tiles(
        shown, rows, lambda d: d.noise, side=MAP_TILE_SIZE * factor, most=MOST_NOISE, colour=NOISE_COLOUR, digits=0
    )
    captions = ["picture", "blur, pixels of the result", "noise, of 255"]
    write_grid(path, [[shown, blur, noise]], [captions])


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    colour = to_rgb(to_planes(pixels).colour)[0].permute(1, 2, 0)
    return np.ascontiguousarray((colour * 255).round().byte().numpy())


def _choose_factor(height: int, width: int) -> float:
    shortest, longest = min(height, width), max(height, width)
    return min(max(SHORTEST_SIDE / shortest, 1.0), LONGEST_SIDE / longest)


def draw_tiles(
    picture: np.ndarray,
    rows: Sequence[Sequence[Diagnosis]],
    choose: Callable[[Diagnosis], Reading],
    *,
    side: float,
    most: float,
    colour: tuple[int, int, int],
    digits: int = 1,
) -> np.ndarray:
    """Tint each tile of a picture (H, W, 3) uint8 by what it shows of a damage, and write the number in it.

    Args:
        side: of a tile, in the picture's pixels.
        most: what gets the strongest tint.
    """
    tinted = picture.astype(np.float32)
    for (top, bottom, left, right), reading in _place(picture, rows, choose, side):
        share = STRONGEST_TINT * min(max(reading.value / most, 0), 1) if reading.is_known else 0.0
        tinted[top:bottom, left:right] += share * (np.array(colour, np.float32) - tinted[top:bottom, left:right])
    image = Image.fromarray(tinted.round().astype(np.uint8))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=max(side * FONT_SHARE, 8))
    for (top, bottom, left, right), reading in _place(picture, rows, choose, side):
        text = f"{reading.value:.{digits}f}" if reading.is_known else UNKNOWN
        if draw.textlength(text, font=font) < right - left and bottom - top > side * FONT_SHARE:
            place = ((left + right) / 2, (top + bottom) / 2)
            draw.text(place, text, "white", font=font, anchor="mm", stroke_width=2, stroke_fill="black")
    return np.asarray(image)


def _place(picture: np.ndarray, rows: Sequence[Sequence[Diagnosis]], choose: Callable, side: float):
    """Yield each tile's box in the picture and its reading."""
    height, width = picture.shape[:2]
    for row, tiles in enumerate(rows):
        top, bottom = round(row * side), min(round((row + 1) * side), height)
        for column, diagnosis in enumerate(tiles):
            left, right = round(column * side), min(round((column + 1) * side), width)
            yield (top, bottom, left, right), choose(diagnosis)
