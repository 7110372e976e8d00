"""An even choice of pictures, encoding them for the page, and finding where models differ."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from kdsr_tools.pages.pictures import Encoding, choose_encoding, encode_webp, find_place, spread


def decode(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_lossless_webp_keeps_every_pixel(photograph):
    np.testing.assert_array_equal(decode(encode_webp(photograph[..., ::-1])), photograph)


def test_the_place_is_where_pictures_differ_and_on_whole_lq_pixels(photograph):
    changed = photograph.copy()
    changed[50:60, 70:80] ^= 64
    place = find_place([photograph, photograph, changed], size=33, scale=4)
    assert place.size == 32
    assert place.left % 4 == place.top % 4 == 0
    assert place.left <= 70 and place.left + 32 >= 80
    assert place.top <= 50 and place.top + 32 >= 60
    expected = photograph[place.top :][:32, place.left :][:, :32]
    np.testing.assert_array_equal(place.cut(photograph), expected)
    assert place.cut(photograph[::4, ::4], scale=4).shape == (8, 8, 3)


def test_disagreement_is_the_deviation_in_levels(photograph):
    gray = np.full((40, 40, 3), 100, np.uint8)
    assert find_place([gray, gray + np.uint8(10)], size=16, scale=4).disagreement == pytest.approx(5)
    assert find_place([gray, gray], size=16, scale=4).disagreement == 0


def test_a_picture_smaller_than_the_square_is_shown_whole():
    place = find_place([np.zeros((12, 20, 3), np.uint8)], size=64, scale=4)
    assert (place.left, place.top, place.size) == (0, 0, 12)


def test_quality_and_size_go_down_until_the_pictures_fit(photograph):
    options = {"count": 100, "quality": 85}
    size = len(encode_webp(photograph, quality=85)) * 100 / 1e6
    assert choose_encoding([photograph], most_megabytes=size * 1.01, **options) == Encoding(85)
    assert choose_encoding([photograph], most_megabytes=size * 0.99, **options).quality < 85
    smallest = choose_encoding([photograph], most_megabytes=1e-6, **options)
    assert decode(smallest.encode(photograph)).shape == (24, 32, 3)
    lossless = choose_encoding([photograph], count=1, quality="lossless", most_megabytes=1)
    assert lossless == Encoding("lossless")


def test_a_choice_is_evenly_spread():
    assert spread(3, 5) == [0, 1, 2]
    assert spread(101, 5) == [0, 25, 50, 75, 100]
    assert spread(9, 1) == [0]
