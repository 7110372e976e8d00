"""Panels in a grid, with captions."""

import numpy as np
from PIL import Image

from kdsr_tools.pages.grid import CAPTION_HEIGHT, GAP, write_grid


def test_panels_lie_in_rows_and_captions_below_them(tmp_path):
    panels = [[np.full((20, 30, 3), 40 * row + 10 * column, np.uint8) for column in range(3)] for row in range(2)]
    write_grid(tmp_path / "new" / "grid.png", panels, [["a", "b", "c"], ["d", "", "f"]])
    sheet = np.asarray(Image.open(tmp_path / "new" / "grid.png"))
    assert sheet.shape == (2 * (20 + CAPTION_HEIGHT + GAP) + GAP, 3 * (30 + GAP) + GAP, 3)
    for row in range(2):
        for column in range(3):
            top, left = GAP + row * (20 + CAPTION_HEIGHT + GAP), GAP + column * (30 + GAP)
            assert set(sheet[top : top + 20, left : left + 30].ravel()) == {40 * row + 10 * column}
            caption = sheet[top + 20 : top + 20 + CAPTION_HEIGHT, left : left + 30]
            assert (caption.min() < 128) == ((row, column) != (1, 1))
