"""Blur kernels: the authors' values, and what holds for every kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdsr_data.degradations import anisotropic_gaussian_kernel, isotropic_gaussian_kernel

WIDTH = st.floats(0.2, 4.0)


def golden_kernels(golden):
    """Yield each golden kernel with the parameters in its name."""
    for key, kernel in golden("degradation").items():
        if key.startswith("kernel_iso"):
            yield kernel, isotropic_gaussian_kernel(21, float(key.split("sigma")[1]))
        elif key.startswith("kernel_aniso"):
            lambda1, lambda2, theta = key.removeprefix("kernel_aniso_l").replace("_t", "_").split("_")
            radians = np.deg2rad(float(theta))
            yield kernel, anisotropic_gaussian_kernel(21, float(lambda1), float(lambda2), radians)


def test_kernels_agree_with_the_authors(golden):
    pairs = list(golden_kernels(golden))
    assert len(pairs) == 7
    for expected, kernel in pairs:
        np.testing.assert_allclose(kernel, expected, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(WIDTH, WIDTH, st.floats(0, np.pi))
def test_kernels_sum_to_one_and_are_symmetric_about_their_centre(lambda1, lambda2, theta):
    kernel = anisotropic_gaussian_kernel(21, lambda1, lambda2, theta)
    assert kernel.dtype == np.float32
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)


def test_the_kernel_follows_the_gaussian_formula():
    kernel = isotropic_gaussian_kernel(5, 1.5)
    expected = np.array([[np.exp(-(x**2 + y**2) / (2 * 1.5**2)) for x in range(-2, 3)] for y in range(-2, 3)])
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-7)


def test_the_first_axis_is_horizontal_and_turns_with_theta():
    flat = anisotropic_gaussian_kernel(21, 4.0, 0.5, 0.0)
    assert flat[10].sum() > 0.7
    np.testing.assert_allclose(anisotropic_gaussian_kernel(21, 4.0, 0.5, np.pi / 2), flat.T, atol=1e-7)
    diagonal = anisotropic_gaussian_kernel(21, 4.0, 0.5, np.pi / 4)
    assert np.trace(diagonal) > 5 * np.trace(diagonal[:, ::-1])  # down to the right, y pointing down


@settings(max_examples=30, deadline=None)
@given(st.floats(1.0, 4.0), st.floats(1.0, 4.0), st.floats(0, np.pi))
def test_a_kernel_has_the_covariance_of_its_name(lambda1, lambda2, theta):
    kernel = anisotropic_gaussian_kernel(51, lambda1, lambda2, theta).astype(np.float64)
    y, x = np.indices(kernel.shape) - 25
    covariance = [[(kernel * one * other).sum() for other in (x, y)] for one in (x, y)]
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    np.testing.assert_allclose(covariance, turn @ np.diag([lambda1**2, lambda2**2]) @ turn.T, atol=1e-3)


def test_half_a_turn_changes_nothing():
    kernel = anisotropic_gaussian_kernel(21, 3.5, 1.5, 0.7)
    np.testing.assert_allclose(anisotropic_gaussian_kernel(21, 3.5, 1.5, 0.7 + np.pi), kernel, atol=1e-7)


@pytest.mark.parametrize("kernel", [isotropic_gaussian_kernel(1, 3.0), isotropic_gaussian_kernel(7, 0.01)])
def test_the_narrowest_kernels_leave_the_image_alone(kernel):
    expected = np.zeros_like(kernel)
    expected[len(kernel) // 2, len(kernel) // 2] = 1
    np.testing.assert_array_equal(kernel, expected)


@pytest.mark.parametrize("size", [0, 4, -1])
def test_even_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"kernel_size: expected an odd number of pixels, got {size}"):
        isotropic_gaussian_kernel(size, 1.0)


@pytest.mark.parametrize("widths", [(0, 1), (1, -2)])
def test_widths_of_zero_or_less_are_refused(widths):
    with pytest.raises(
        ValueError, match=f"standard deviations: expected above 0 pixels, got {widths[0]} and {widths[1]}"
    ):
        anisotropic_gaussian_kernel(21, *widths, 0)
