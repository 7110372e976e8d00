"""What the formats share: orientation, and OpenCV's decoder."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from kdsr_data.pictures.stored import decode_by_opencv, find_orientation, parse_exif, turn_upright

XMP = b'<rdf:Description tiff:Orientation="8"/>'


def exif_with(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_as_pillow_turns_them(orientation, photograph):
    image = Image.fromarray(photograph[:5, :7])
    image.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    turned = turn_upright(photograph[:5, :7], orientation)
    np.testing.assert_array_equal(turned, expected)
    assert turned.flags["C_CONTIGUOUS"]


def test_other_orientations_change_nothing(photograph):
    for orientation in (0, 9, 99):
        np.testing.assert_array_equal(turn_upright(photograph, orientation), photograph)


@pytest.mark.parametrize(
    ("exif", "xmp", "expected"),
    [
        (None, None, 1),
        (exif_with(6), None, 6),
        (exif_with(6), XMP, 6),
        (exif_with(9), XMP, 8),
        (b"torn", XMP, 8),
        (b"torn", b"<tiff:Orientation>3</tiff:Orientation>", 3),
        (None, "tiff:Orientation='5'", 1),
    ],
)
def test_the_orientation_is_exifs_or_else_xmps(exif, xmp, expected):
    assert find_orientation(exif, xmp) == expected


def test_a_broken_block_is_an_empty_one():
    assert dict(parse_exif(b"II*\0\xff\xff\xff\xff")) == {}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_opencv_gives_red_first(channels):
    pixels = np.arange(2 * 3 * channels, dtype=np.uint8).reshape(2, 3, channels)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    content = cv2.imencode(".png", pixels[..., order])[1].tobytes()
    np.testing.assert_array_equal(decode_by_opencv(content), pixels)


@pytest.mark.parametrize("content", [b"no picture", b""])
def test_what_opencv_cannot_decode_is_none(content):
    assert decode_by_opencv(content) is None
