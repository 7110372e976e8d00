"""Bicubic resizing: the authors' values, BasicSR's, and the edge rules."""

import numpy as np
import pytest
from basicsr.utils.matlab_functions import imresize

from kdsr_data.degradations import bicubic_resize


@pytest.fixture(scope="module")
def hr(golden):
    return golden("degradation")["hr"][0].transpose(1, 2, 0)


@pytest.mark.parametrize(("scale", "key"), [(0.25, "bicubic_down_x4"), (4, "bicubic_up_x4")])
def test_resizing_agrees_with_the_authors(golden, hr, scale, key):
    expected = golden("degradation")[key][0].transpose(1, 2, 0)
    np.testing.assert_allclose(bicubic_resize(hr, scale), expected, atol=1e-5)


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 1 / 8, 2, 3, 4])
def test_mirrored_edges_agree_with_basicsr(hr, scale):
    image = hr[:71, :93]
    np.testing.assert_allclose(bicubic_resize(image, scale, edge="mirror"), imresize(image, scale), atol=1e-5)


def test_replicated_edges_differ_at_the_border_alone(hr):
    difference = np.abs(bicubic_resize(hr, 0.25) - bicubic_resize(hr, 0.25, edge="mirror")).max(axis=2)
    assert difference[3:-3, 3:-3].max() < 1e-6
    assert difference.max() > 1e-4


@pytest.mark.parametrize("edge", ["replicate", "mirror"])
def test_a_factor_of_one_returns_the_image(hr, edge):
    np.testing.assert_allclose(bicubic_resize(hr, 1, edge=edge), hr, atol=1e-7)


@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 2])
def test_one_channel_is_resized_like_three(hr, scale):
    resized = bicubic_resize(hr, scale)
    assert resized.dtype == np.float32
    assert resized.flags["C_CONTIGUOUS"]
    for channel in range(3):
        np.testing.assert_array_equal(bicubic_resize(hr[..., channel], scale), resized[..., channel])


@pytest.mark.parametrize("edge", ["replicate", "mirror"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 5, 3), (9, 6)])
def test_even_tiny_images_keep_a_constant_colour(edge, shape):
    resized = bicubic_resize(np.full(shape, 0.3, np.float32), 0.25, edge=edge)
    assert resized.shape == (-(-shape[0] // 4), -(-shape[1] // 4), *shape[2:])
    np.testing.assert_allclose(resized, 0.3, atol=1e-6)
