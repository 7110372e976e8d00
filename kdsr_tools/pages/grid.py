"""Pictures for reports: panels in a grid, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kdsr_tools.files import write_then_rename

CAPTION_HEIGHT = 22
GAP = 6
FONT_SIZE = 14


def write_grid(path: Path, rows: Sequence[Sequence[np.ndarray]], captions: Sequence[Sequence[str]]) -> None:
    """Write rows of equally large RGB uint8 panels, each with its caption below, as an image file."""
    height, width = rows[0][0].shape[:2]
    cell_width, cell_height = width + GAP, height + CAPTION_HEIGHT + GAP
    sheet = Image.new("RGB", (cell_width * len(rows[0]) + GAP, cell_height * len(rows) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=FONT_SIZE)
    for row, (panels, texts) in enumerate(zip(rows, captions, strict=True)):
        for column, (panel, text) in enumerate(zip(panels, texts, strict=True)):
            left, top = GAP + column * cell_width, GAP + row * cell_height
            sheet.paste(Image.fromarray(panel), (left, top))
            draw.text((left + width / 2, top + height + CAPTION_HEIGHT / 2), text, "black", font, anchor="mm")
    with write_then_rename(path) as temporary:
        sheet.save(temporary)
