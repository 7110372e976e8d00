"""What Pillow opens: its modes as pixels, CMYK, deep PPM, and what else the file says."""

import io

import numpy as np
import pytest
from PIL import Image

from kdsr_data.pictures.picture import Unusable
from kdsr_data.pictures.pillow import StoredByPillow, convert_cmyk, find_pixels


def encode(image, file_format, **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 2), ("P", 3), ("RGB", 3), ("RGBA", 4), ("YCbCr", 3), ("HSV", 3)]
)
def test_every_mode_has_its_channels(mode, channels, photograph):
    image = Image.fromarray(photograph[:4, :5]).convert(mode)
    pixels = find_pixels(image, bits=8)
    assert (pixels.shape, pixels.dtype) == ((4, 5, channels), np.uint8)


def test_deep_gray_keeps_its_bits():
    values = np.array([[0, 257, 65535]], np.uint16)
    np.testing.assert_array_equal(find_pixels(Image.fromarray(values), bits=16)[..., 0], values)


def test_floats_are_refused_by_their_mode():
    with pytest.raises(Unusable, match="expected 8 or 16 bits a channel, got Pillow's mode F"):
        find_pixels(Image.new("F", (2, 2)), bits=32)


def test_cmyk_without_a_profile_follows_the_plain_formula():
    colours = {(0, 0, 0, 0): (255, 255, 255), (255, 0, 0, 0): (0, 255, 255), (0, 0, 0, 255): (0, 0, 0)}
    for ink, expected in colours.items():
        assert convert_cmyk(Image.new("CMYK", (1, 1), ink), None).getpixel((0, 0)) == expected
        assert convert_cmyk(Image.new("CMYK", (1, 1), ink), b"no profile").getpixel((0, 0)) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"P5 2 1 1000\n" + np.array([0, 1000], ">u2").tobytes(), [[0], [65535]]),
        (b"P2\n# a comment\n2 1 65535\n0 300\n", [[0], [300]]),
        (b"P3 1 1 511 511 0 1\n", [[65535, 0, 128]]),
    ],
)
def test_deep_ppm_is_scaled_to_16_bits(content, expected):
    picture = StoredByPillow(content).decode()
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels[0], expected)


def test_a_ppm_that_lacks_values_is_refused():
    with pytest.raises(ValueError, match="expected 6 values up to 1000, at most 65535"):
        StoredByPillow(b"P3 2 1 1000\n1 2 3 4\n").decode()


def test_size_resolution_and_frames_are_told(photograph):
    image = Image.fromarray(photograph[:4, :5])
    stored = StoredByPillow(encode(image, "JPEG", dpi=(72, 144)))
    assert (stored.width, stored.height, stored.orientation) == (5, 4, 1)
    assert stored.decode().metadata.dpi == (72.0, 144.0)
    frames = encode(image, "GIF", save_all=True, append_images=[image.rotate(180)])
    assert StoredByPillow(frames).decode().notes == ("it has 2 frames, of which the first was used",)
