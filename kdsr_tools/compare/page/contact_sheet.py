"""The contact sheet: the crops in which models differ most, as one PNG for a paper."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kdsr_tools.compare.page.data import Crop
from kdsr_tools.pages.grid import write_grid

PANEL_SIZE = 192  # pixels
MOST_ROWS = 8


def write_contact_sheet(path: Path, crops: list[Crop]) -> bool:
    """Write the first crops, one a row, LQ first and GT last; only those that have a picture of every model.

    Returns:
        whether there was anything to write.
    """
    columns = max(([name for name, _, _ in crop.panels] for crop in crops), key=len, default=[])
    chosen = [crop for crop in crops if [name for name, _, _ in crop.panels] == columns][:MOST_ROWS]
    if not chosen:
        return False
    rows = [[_enlarge(pixels) for _, pixels, _ in crop.panels] for crop in chosen]
    captions = [[_caption(name, caption) for name, _, caption in crop.panels] for crop in chosen]
    write_grid(path, rows, captions)
    return True


def _enlarge(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, (PANEL_SIZE, PANEL_SIZE), interpolation=cv2.INTER_NEAREST)[..., ::-1]


def _caption(name: str, caption: str) -> str:
    return f"{name}, {caption.removesuffix(' here')}" if "dB" in caption else name
