"""Gaussian blur kernels of the classic degradations (arXiv 2211.16928, section 4.1; IKC, DASR before it)."""

from __future__ import annotations

import numpy as np


def isotropic_gaussian_kernel(kernel_size: int, sigma: float) -> np.ndarray:
    """Make a round Gaussian kernel (kernel_size, kernel_size), float32, that sums to 1; `sigma` in pixels."""
    return anisotropic_gaussian_kernel(kernel_size, sigma, sigma, 0.0)


def anisotropic_gaussian_kernel(kernel_size: int, lambda1: float, lambda2: float, theta: float) -> np.ndarray:
    """Make an elongated, rotated Gaussian kernel (kernel_size, kernel_size), float32, that sums to 1.

    Args:
        kernel_size: odd, in pixels.
        lambda1: standard deviation along the first axis, in pixels; at `theta` 0 this axis is horizontal.
        lambda2: standard deviation along the second axis, in pixels.
        theta: rotation in radians. The covariance is R diag(lambda1^2, lambda2^2) R^T.

    Raises:
        ValueError: an even size, or a standard deviation that is not positive.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size: expected an odd number of pixels, got {kernel_size}")
    if lambda1 <= 0 or lambda2 <= 0:
        raise ValueError(f"standard deviations: expected above 0 pixels, got {lambda1} and {lambda2}")
    cos, sin = np.cos(theta), np.sin(theta)
    rotation = np.array([[cos, -sin], [sin, cos]])
    precision = rotation @ np.diag([lambda1**-2.0, lambda2**-2.0]) @ rotation.T
    offset = np.arange(kernel_size) - kernel_size // 2
    points = np.stack(np.meshgrid(offset, offset), axis=-1)  # (k, k, 2): x to the right, y downwards
    exponent = -0.5 * np.einsum("...i,ij,...j->...", points, precision, points)
    # The largest exponent is 0, at the centre, so the sum is at least 1 even for a very narrow kernel.
    kernel = np.exp(exponent)
    return (kernel / kernel.sum()).astype(np.float32)
