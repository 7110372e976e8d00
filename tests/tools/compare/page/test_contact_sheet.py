"""The contact sheet: crops of every model, beside one another."""

import numpy as np
import pytest
from PIL import Image

from kdsr_tools.compare.page.contact_sheet import MOST_ROWS, PANEL_SIZE, write_contact_sheet
from kdsr_tools.compare.page.data import Crop
from kdsr_tools.pages.grid import CAPTION_HEIGHT, GAP
from kdsr_tools.pages.pictures import Place


@pytest.fixture
def make_crop():
    """Make a crop with a red panel for each name; pictures are BGR."""

    def make(*names):
        red = np.zeros((8, 8, 3), np.uint8) + np.array([0, 0, 200], np.uint8)
        return Crop(0, 0, 0, "a", Place(0, 0, 8, 1.0), [(name, red, "20.00 dB here") for name in names])

    return make


def test_panels_are_enlarged_and_rows_end_at_the_eighth(tmp_path, make_crop):
    assert write_contact_sheet(tmp_path / "sheet.png", [make_crop("LQ", "ours")] * (MOST_ROWS + 2))
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert sheet.shape[0] == MOST_ROWS * (PANEL_SIZE + CAPTION_HEIGHT + GAP) + GAP
    assert sheet[6 : 6 + PANEL_SIZE, 6 : 6 + PANEL_SIZE].reshape(-1, 3).tolist() == [[200, 0, 0]] * PANEL_SIZE**2


def test_a_crop_without_a_picture_of_every_model_is_left_out(tmp_path, make_crop):
    assert write_contact_sheet(tmp_path / "sheet.png", [make_crop("LQ"), make_crop("LQ", "ours")])
    assert np.asarray(Image.open(tmp_path / "sheet.png")).shape[0] < 2 * PANEL_SIZE


def test_without_crops_nothing_is_written(tmp_path):
    assert not write_contact_sheet(tmp_path / "sheet.png", [])
    assert list(tmp_path.iterdir()) == []


def test_the_contact_sheet_shows_crops_of_every_model(comparison):
    sheet = np.asarray(Image.open(comparison / "contact_sheet.png"))
    panels = [sheet[6:198, 6 + 198 * column :][:, :192] for column in range(5)]
    assert all(panel.std() > 5 for panel in panels)
