"""Arrays to what networks see and back: ranges, channels, alpha, and what is refused."""

import numpy as np
import pytest
import torch

from kdsr_tools.upscale.pixels import Planes, from_rgb, to_image, to_planes, to_rgb

DTYPES = [np.uint8, np.uint16, np.float16, np.float32, np.float64]


def make_image(shape, dtype):
    values = np.random.default_rng(0).random(shape)
    return values.astype(dtype) if np.issubdtype(dtype, np.floating) else (values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_pictures_come_back_as_they_were(shape, dtype):
    image = make_image(shape, dtype)
    if len(shape) == 3 and shape[2] in (2, 4):
        image[..., -1] = np.clip(image[..., -1], np.quantile(image[..., -1], 0.3), None)  # nowhere transparent
    result = to_image(to_planes(image), like=image)
    assert result.dtype == dtype
    assert result.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(result.astype(float), image.astype(float), rtol=1e-3 if dtype == np.float16 else 1e-6)


def test_networks_see_premultiplied_rgb_from_zero_to_one():
    image = np.array([[[255, 51, 0, 255], [255, 255, 255, 51]]], np.uint8)
    colour, alpha = to_planes(image)
    torch.testing.assert_close(colour[0, :, 0], torch.tensor([[1, 0.2], [0.2, 0.2], [0, 0.2]]))
    torch.testing.assert_close(alpha[0, 0, 0], torch.tensor([1, 0.2]))


def test_gray_is_one_channel_of_which_networks_see_three():
    colour, alpha = to_planes(np.array([[0, 65535]], np.uint16))
    assert alpha is None
    torch.testing.assert_close(colour, torch.tensor([[[[0.0, 1.0]]]]))
    torch.testing.assert_close(to_rgb(colour)[0, :, 0], torch.tensor([[0.0, 1.0]] * 3))
    result = torch.tensor([0.1, 0.2, 0.6]).reshape(1, 3, 1, 1)
    assert from_rgb(result, like=colour).item() == pytest.approx(0.3)
    assert from_rgb(result, like=result) is result


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("num_channels", [3, 4])
def test_equal_channels_are_gray_and_come_back_equal(num_channels, dtype):
    image = make_image((5, 7, num_channels), dtype)
    image[..., :3] = image[..., :1]
    image[..., 3:] = np.clip(image[..., 3:], np.quantile(image[..., -1], 0.3), None)
    planes = to_planes(image)
    assert planes.colour.shape == (1, 1, 5, 7)
    result = to_image(planes, like=image)
    assert (result[..., :3] == result[..., :1]).all()
    np.testing.assert_allclose(result.astype(float), image.astype(float), rtol=1e-3 if dtype == np.float16 else 1e-6)


@pytest.mark.parametrize(
    ("dtype", "difference", "num_channels"),
    [(np.uint8, 1, 1), (np.uint8, 2, 3), (np.uint16, 1, 3), (np.float32, 1e-6, 3)],
)
def test_one_pixel_of_colour_makes_a_colour_picture(dtype, difference, num_channels):
    image = np.full((5, 7, 3), 0.5 if dtype == np.float32 else 100, dtype)
    image[2, 3, 1] += dtype(difference)
    assert to_planes(image).colour.shape[1] == num_channels  # of 8 bits, one step is a codec's rounding


def test_colours_that_cannot_be_seen_do_not_count():
    image = np.full((2, 2, 4), 90, np.uint8)
    image[0, 0] = 250, 0, 0, 0
    assert to_planes(image).colour.shape[1] == 1
    image[0, 0, 3] = 1
    assert to_planes(image).colour.shape[1] == 3


def test_an_opaque_picture_has_no_alpha_plane_and_stays_opaque():
    image = make_image((3, 3, 4), np.uint8)
    image[..., 3] = 255
    planes = to_planes(image)
    assert planes.alpha is None
    np.testing.assert_array_equal(to_image(planes, like=image), image)


def test_results_are_clamped_and_rounded():
    colour = torch.tensor([[-0.5, 0.499 / 255, 0.501 / 255, 1.5]]).expand(1, 3, 1, 4).clone()
    result = to_image(Planes(colour, None), like=np.zeros((1, 4, 3), np.uint8))
    np.testing.assert_array_equal(result[0, :, 0], [0, 0, 1, 255])


def test_colour_is_kept_where_colour_and_alpha_overshoot_alike():
    alpha = torch.tensor([[[[0.5, 1.2, -0.1]]]])
    colour = alpha * torch.tensor([0.2, 0.4, 0.6]).reshape(1, 3, 1, 1)
    result = to_image(Planes(colour, alpha), like=np.zeros((1, 3, 4), np.float32))
    np.testing.assert_allclose(result[0], [[0.2, 0.4, 0.6, 0.5], [0.2, 0.4, 0.6, 1], [0, 0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 2, 3), np.int64), "expected a NumPy array of uint8, uint16 or floats in .* got int64"),
        ([[0.0]], "expected a NumPy array of .* got list"),
        (np.zeros((2, 2, 5), np.uint8), r"expected \(H, W\) or \(H, W, 1 to 4\), got \(2, 2, 5\)"),
        (np.zeros((0, 2, 3), np.uint8), r"expected .* got \(0, 2, 3\)"),
        (np.zeros(4, np.uint8), r"expected .* got \(4,\)"),
        (np.full((2, 2), 255.0), r"expected floats in \[0, 1\], got 255\.0 to 255\.0; divide"),
        (np.full((2, 2), np.nan), r"expected floats in \[0, 1\], got nan"),
        (np.full((2, 2), -0.1), r"expected floats in \[0, 1\], got -0\.1"),
    ],
)
def test_what_is_no_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=f"image: {message}"):
        to_planes(image)
