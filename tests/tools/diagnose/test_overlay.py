"""The map: tiles tinted and numbered by what they show."""

from dataclasses import replace

import numpy as np
from PIL import Image

from kdsr_tools.diagnose.overlay import BLUR_COLOUR, MOST_BLUR, STRONGEST_TINT, draw_tiles, write_map
from kdsr_tools.heads.diagnosis import Diagnosis, Reading

PLAIN = Reading(0, 0, 0)
SHARP = Diagnosis(PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, 1.0, True)
BLURRED = replace(SHARP, blur=Reading(MOST_BLUR, 3, 4))
UNKNOWN = replace(SHARP, blur=Reading(MOST_BLUR, 0, 4, is_known=False))


def test_tiles_are_tinted_by_what_they_show_and_by_nothing_where_that_is_unknown():
    picture = np.full((50, 75, 3), 100, np.uint8)
    drawn = draw_tiles(
        picture, [[SHARP, BLURRED, UNKNOWN]] * 2, lambda d: d.blur, side=25.0, most=MOST_BLUR, colour=BLUR_COLOUR
    )
    assert drawn.shape == picture.shape
    tint = np.float32(100) + STRONGEST_TINT * (np.float32(BLUR_COLOUR) - 100)
    np.testing.assert_allclose(drawn[1, 26], tint, atol=1)
    assert drawn[1, 1].tolist() == drawn[1, 51].tolist() == [100] * 3
    assert len(np.unique(drawn[:25, 50:].reshape(-1, 3), axis=0)) > 1  # a question mark


def test_three_panels_of_any_kind_of_picture_are_written(tmp_path):
    for number, picture in enumerate((np.zeros((60, 90), np.uint8), np.full((50, 60, 4), 65535, np.uint16))):
        path = tmp_path / "maps" / f"{number}.png"
        write_map(path, picture, [[BLURRED, SHARP]] * 2)
        with Image.open(path) as image:
            width, height = image.size
        assert width > 2.9 * 400 * picture.shape[1] / picture.shape[0]
        assert 400 < height < 450


def test_large_pictures_are_shrunk(tmp_path):
    write_map(tmp_path / "map.png", np.zeros((48, 3300, 3), np.uint8), [[SHARP] * 69])
    with Image.open(tmp_path / "map.png") as image:
        assert 3 * 1600 <= image.size[0] < 3 * 1620
