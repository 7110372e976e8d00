"""TIFF: which page is used, how channels are named, and what is refused."""

import io

import numpy as np
import pytest
import tifffile

from kdsr_data.pictures.picture import Unusable
from kdsr_data.pictures.tiff import StoredTiff


def encode(*pages, **options):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for number, page in enumerate(pages):
            own = {key: value[number] if isinstance(value, tuple) else value for key, value in options.items()}
            writer.write(page, metadata=None, **own)
    return file.getvalue()


def test_a_thumbnail_is_passed_over(photograph):
    content = encode(photograph[:4, :5], photograph, photometric="rgb", subfiletype=(1, 0))
    stored = StoredTiff(content)
    assert (stored.width, stored.height) == (128, 96)
    np.testing.assert_array_equal(stored.decode().pixels, photograph)
    assert stored.decode().notes == ()


def test_further_pages_are_told(photograph):
    picture = StoredTiff(encode(photograph, photograph, photograph, photometric="rgb")).decode()
    assert picture.notes == ("it has 3 pages, of which the first was used",)


def test_white_at_0_is_turned_round():
    gray = np.array([[0, 100, 255]], np.uint8)
    picture = StoredTiff(encode(gray, photometric="miniswhite")).decode()
    np.testing.assert_array_equal(picture.pixels[..., 0], 255 - gray)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("unassalpha", [100, 50, 0, 128]), ("assocalpha", [199, 100, 0, 128]), ("unspecified", [100, 50, 0])],
)
def test_a_fourth_channel_is_what_the_file_calls_it(kind, expected):
    pixels = np.array([[[100, 50, 0, 128]]], np.uint8)
    picture = StoredTiff(encode(pixels, photometric="rgb", extrasamples=[kind])).decode()
    np.testing.assert_array_equal(picture.pixels[0, 0], expected)


def test_what_cannot_be_seen_has_no_colour():
    pixels = np.array([[[90, 50, 10, 0]]], np.uint8)
    picture = StoredTiff(encode(pixels, photometric="rgb", extrasamples=["assocalpha"])).decode()
    np.testing.assert_array_equal(picture.pixels[0, 0], [255, 255, 255, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_other_numbers_are_refused(dtype):
    name = np.dtype(dtype).name
    with pytest.raises(Unusable, match=rf"expected 8 or 16 bits a channel, got \d+ \({name}\)"):
        StoredTiff(encode(np.zeros((4, 5), dtype), photometric="minisblack")).decode()


def test_the_resolution_is_in_pixels_an_inch(photograph):
    for unit, expected in (("INCH", 100.0), ("CENTIMETER", 254.0)):
        content = encode(photograph, photometric="rgb", resolution=[100, 100], resolutionunit=unit)
        assert StoredTiff(content).decode().metadata.dpi == (expected, expected)
