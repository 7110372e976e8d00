"""Real-ESRGAN's degradation for real photographs (arXiv 2107.10833): blur, resize, noise and JPEG, twice.

Every image draws its own, in the data set's worker. Kernel shapes are BasicSR's functions; filters, resizes and JPEG
are OpenCV's, but for resizing by area. Inside, images are BGR as OpenCV's JPEG wants them.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from basicsr.data import degradations as shapes
from numpy.random import Generator
from torch.nn import functional

from kdsr_data.degradations.base import DEGRADATION_REGISTRY, Degradation, round_to_8_bit
from kdsr_data.degradations.compression import compress_jpeg
from kdsr_data.degradations.noise import add_gaussian_noise, add_poisson_noise
from kdsr_data.degradations.second_order_settings import SecondOrderSettings, StageSettings

RESIZE_MODES = ("area", "bilinear", "bicubic")
INTERPOLATIONS = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
# A tenth of half a level of 8 bits.
NEGLIGIBLE = 2e-4
GAUSSIANS = {
    "generalized": shapes.bivariate_generalized_Gaussian,
    "plateau": shapes.bivariate_plateau,
}


@DEGRADATION_REGISTRY.register()
class SecondOrderDegradation(Degradation[SecondOrderSettings]):
    """Two stages of blur, resize, noise and JPEG, a sinc filter before or after the last JPEG, rounding to 8 bit."""

    settings_class = SecondOrderSettings

    def __call__(self, gt: np.ndarray, rng: Generator) -> np.ndarray:
        """Make the LQ image (ceil(H/s), ceil(W/s), 3) of `gt` (H, W, 3), both RGB float32 in [0, 1]."""
        first, second = self.settings.first, self.settings.second
        height, width = (math.ceil(length / self.settings.scale) for length in gt.shape[:2])
        lq_size = (height, width)
        img = cv2.cvtColor(np.ascontiguousarray(gt), cv2.COLOR_RGB2BGR)
        img = add_noise(random_resize(blur(img, first, rng), gt.shape[:2], first, rng), first, rng)
        img = jpeg(img, first, rng)
        img = add_noise(random_resize(blur(img, second, rng), lq_size, second, rng), second, rng)
        if rng.random() < 0.5:
            img = jpeg(self._resize_back(img, lq_size, rng), second, rng)
        else:
            img = self._resize_back(jpeg(img, second, rng), lq_size, rng)
        return round_to_8_bit(cv2.cvtColor(img, cv2.COLOR_BGR2RGB))

    def _resize_back(self, img: np.ndarray, lq_size: tuple[int, int], rng: Generator) -> np.ndarray:
        img = resize(img, lq_size, rng)
        return final_sinc(img, self.settings.second, rng) if rng.random() < self.settings.final_sinc_prob else img


def blur(img: np.ndarray, stage: StageSettings, rng: Generator) -> np.ndarray:
    """Blur with a kernel of the stage, or with the probability of none leave the image."""
    return filter_image(img, draw_kernel(stage, rng)) if rng.random() < stage.blur_prob else img


def final_sinc(img: np.ndarray, stage: StageSettings, rng: Generator) -> np.ndarray:
    """Filter with a sinc kernel of one of the stage's sizes, as sharpening and encoding make edges ring."""
    kernel_size = draw_kernel_size(stage, rng)
    return filter_image(img, shapes.circular_lowpass_kernel(rng.uniform(np.pi / 3, np.pi), kernel_size))


def filter_image(img: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter with a symmetric kernel (k, k) that sums to 1; edges are reflected.

    Filtering is most of the work, so what does not show in 8 bits is spared: an outer rim without weight is cut off,
    and a kernel that is the product of a column and a row is applied as those.
    """
    kernel = _trim(kernel.astype(np.float32))
    column, row = kernel.sum(axis=1), kernel.sum(axis=0)
    if np.abs(np.outer(column, row) - kernel).max() < NEGLIGIBLE * kernel.max():
        return cv2.sepFilter2D(img, -1, row, column, borderType=cv2.BORDER_REFLECT_101)
    return cv2.filter2D(img, -1, kernel, borderType=cv2.BORDER_REFLECT_101)


def _trim(kernel: np.ndarray) -> np.ndarray:
    center = kernel.shape[0] // 2
    rings = np.maximum(*np.abs(np.indices(kernel.shape) - center))
    weights = np.bincount(rings.ravel(), np.abs(kernel).ravel())  # by distance from the centre
    beyond = weights[::-1].cumsum()[::-1]
    radius = max(np.count_nonzero(beyond > NEGLIGIBLE) - 1, 0)
    trimmed = kernel[center - radius : center + radius + 1, center - radius : center + radius + 1]
    return trimmed / trimmed.sum()


def draw_kernel_size(stage: StageSettings, rng: Generator) -> int:
    """Draw an odd size, all with equal probability."""
    low, high = map(int, stage.kernel_size_range)
    return low + 2 * int(rng.integers((high - low) // 2 + 1))


def draw_kernel(stage: StageSettings, rng: Generator) -> np.ndarray:
    """Draw a blur kernel (k, k): one of the six shapes, or a sinc filter, which rings."""
    kernel_size = draw_kernel_size(stage, rng)
    if rng.random() < stage.sinc_prob:
        lowest_cutoff = np.pi / 3 if kernel_size < 13 else np.pi / 5
        return shapes.circular_lowpass_kernel(rng.uniform(lowest_cutoff, np.pi), kernel_size)
    shares = np.array(stage.kernel_prob)
    # NumPy wants a sum closer to 1 than an option file with thirds and sixths gives.
    shape = stage.kernel_list[rng.choice(len(shares), p=shares / shares.sum())]
    isotropic = not shape.endswith("aniso")
    sigma_x = stage.blur_sigma.draw(rng)
    sigma_y, theta = (sigma_x, 0.0) if isotropic else (stage.blur_sigma.draw(rng), rng.uniform(-np.pi, np.pi))
    family = shape.split("_")[0]
    if family not in GAUSSIANS:
        return shapes.bivariate_Gaussian(kernel_size, sigma_x, sigma_y, theta, isotropic=isotropic)
    beta = _draw_beta(stage.betag_range if family == "generalized" else stage.betap_range, rng)
    return GAUSSIANS[family](kernel_size, sigma_x, sigma_y, theta, beta, isotropic=isotropic)


def _draw_beta(limits: tuple[float, float], rng: Generator) -> float:
    """Draw a shape parameter, with equal probability below and above 1, the Gaussian."""
    low, high = limits
    if not low <= 1 <= high:
        return rng.uniform(low, high)
    return rng.uniform(low, 1) if rng.random() < 0.5 else rng.uniform(1, high)


def random_resize(img: np.ndarray, size: tuple[int, int], stage: StageSettings, rng: Generator) -> np.ndarray:
    """Resize to a random ratio of `size` (H, W)."""
    low, high = stage.resize_ratio_range
    up, down, _ = stage.resize_prob
    direction = rng.random()
    ratio = rng.uniform(1, high) if direction < up else rng.uniform(low, 1) if direction < up + down else 1.0
    height, width = (max(1, int(length * ratio)) for length in size)
    return resize(img, (height, width), rng)


def resize(img: np.ndarray, size: tuple[int, int], rng: Generator) -> np.ndarray:
    """Resize to `size` (H, W) by area, bilinear or bicubic interpolation, none of them antialiased but area."""
    mode = RESIZE_MODES[rng.integers(len(RESIZE_MODES))]
    if size == img.shape[:2]:
        return img
    return area_resize(img, size) if mode == "area" else cv2.resize(img, size[::-1], interpolation=INTERPOLATIONS[mode])


def area_resize(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize to `size` (H, W) by the mean of all pixels that an output pixel touches.

    This is PyTorch's function, as in BasicSR. OpenCV's weights the pixels by how much of them is touched, which gives
    images with 5 to 10 % larger steps.
    """
    tensor = torch.from_numpy(img).permute(2, 0, 1)[None]  # (1, 3, H, W)
    resized = functional.interpolate(tensor, size=size, mode="area")[0].permute(1, 2, 0)
    return np.ascontiguousarray(resized.numpy())


def add_noise(img: np.ndarray, stage: StageSettings, rng: Generator) -> np.ndarray:
    """Add Gaussian or Poisson noise, in gray or in colour, and clip to [0, 1]."""
    is_gaussian, is_gray = rng.random() < stage.gaussian_noise_prob, rng.random() < stage.gray_noise_prob
    if is_gaussian:
        return add_gaussian_noise(img, stage.noise_sigma_255.draw(rng) / 255, is_gray=is_gray, rng=rng)
    return add_poisson_noise(img, stage.poisson_scale_range.draw(rng), is_gray=is_gray, rng=rng)


def jpeg(img: np.ndarray, stage: StageSettings, rng: Generator) -> np.ndarray:
    """Compress and decompress a BGR image as JPEG with 4:2:0 chroma."""
    if rng.random() >= stage.jpeg_prob:
        return img
    return compress_jpeg(img, quality=round(stage.jpeg_quality_range.draw(rng)))
