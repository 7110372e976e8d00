"""A decoded picture, and errors with names as they can be printed."""

import pickle

import numpy as np
import pytest

from kdsr_data.pictures.picture import ImageReadError, Metadata, Picture, printable


@pytest.mark.parametrize(("channels", "num_colours"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_colour_is_what_alpha_leaves(channels, num_colours):
    pixels = np.arange(6 * channels, dtype=np.uint8).reshape(2, 3, channels)
    picture = Picture(pixels)
    np.testing.assert_array_equal(picture.colour, pixels[..., :num_colours])
    assert (picture.icc_profile, picture.metadata, picture.notes) == (None, Metadata(), ())


@pytest.mark.parametrize(
    ("pixels", "got"),
    [
        (np.zeros((2, 3), np.uint8), r"\(2, 3\) of uint8"),
        (np.zeros((2, 3, 5), np.uint8), r"\(2, 3, 5\) of uint8"),
        (np.zeros((0, 3, 3), np.uint8), r"\(0, 3, 3\) of uint8"),
        (np.zeros((2, 3, 3), np.float32), r"\(2, 3, 3\) of float32"),
    ],
)
def test_anything_else_is_no_picture(pixels, got):
    with pytest.raises(ValueError, match=rf"pixels: expected \(H, W, 1 to 4\) of uint8 or uint16, got {got}"):
        Picture(pixels)


def test_names_that_are_no_text_can_be_printed():
    assert printable("ä.png") == "ä.png"
    assert printable(b"\xff.png".decode("utf-8", "surrogateescape")) == r"\udcff.png"


def test_an_error_names_path_and_reason_and_travels_between_processes():
    error = ImageReadError("dir/x.png", "the file is empty")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "dir/x.png: the file is empty"
