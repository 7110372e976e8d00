"""The classic degradation: blur, downsampling and noise (arXiv 2211.16928, sections 4.1 and 4.2)."""

from __future__ import annotations

from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.random import Generator
from pydantic import Field, field_validator, model_validator

from kdsr_data.degradations.base import DEGRADATION_REGISTRY, Degradation, round_to_8_bit
from kdsr_data.degradations.compression import compress_jpeg
from kdsr_data.degradations.kernels import anisotropic_gaussian_kernel
from kdsr_data.degradations.resize import Edge, bicubic_resize
from kdsr_options.schema import Range, Settings, Within


class ClassicSettings(Settings):
    """Options of `ClassicDegradation`; each parameter is a number or a `[low, high]` range to draw from.

    Either `sigma` (isotropic) or `lambda1`, `lambda2` and `theta_degrees` (anisotropic) is given; 0 or neither
    means no blur. With `noise_prob` below 1, the other images stay free of noise. With a `jpeg_quality`, the share
    `jpeg_prob` of the images is compressed at last.
    """

    scale: int = Field(ge=1, le=8)
    kernel_size: int = Field(default=21, ge=1, le=101)
    sigma: Annotated[Range, Within(0, 20)] | None = None
    lambda1: Annotated[Range, Within(0.01, 20)] | None = None
    lambda2: Annotated[Range, Within(0.01, 20)] | None = None
    theta_degrees: Annotated[Range, Within(-360, 360)] | None = None
    downsampling: Literal["bicubic", "s_fold"] = "bicubic"
    edge: Edge = "replicate"
    noise_sigma_255: Annotated[Range, Within(0, 255)] = Range(0, 0)
    noise_prob: float = Field(default=1, ge=0, le=1)
    jpeg_quality: Annotated[Range, Within(1, 100)] | None = None
    jpeg_prob: float = Field(default=1, ge=0, le=1)

    @field_validator("kernel_size")
    @classmethod
    def _check_odd(cls, kernel_size: int) -> int:
        if kernel_size % 2 == 0:
            raise ValueError(f"expected an odd number, got {kernel_size}")
        return kernel_size

    @model_validator(mode="after")
    def _check_kernel(self):
        anisotropic = (self.lambda1, self.lambda2, self.theta_degrees)
        given = sum(value is not None for value in anisotropic)
        if self.sigma is not None and given:
            raise ValueError("give either sigma or lambda1, lambda2 and theta_degrees, not both")
        if given not in (0, 3):
            raise ValueError("an anisotropic kernel needs lambda1, lambda2 and theta_degrees")
        return self


@DEGRADATION_REGISTRY.register()
class ClassicDegradation(Degradation[ClassicSettings]):
    """Gaussian blur (reflected edges), downsampling, white Gaussian noise, rounding to 8 bit; one draw an image.

    JPEG compression can follow, which is not the paper's: so are pictures that are only lightly damaged.
    """

    settings_class = ClassicSettings

    def remark(self) -> str | None:
        """Say that there is no blur, where neither kernel is given."""
        is_blurred = self.settings.sigma not in (None, Range(0, 0)) or self.settings.lambda1 is not None
        return None if is_blurred else "no blur: the degradation has neither sigma nor lambda1, lambda2, theta_degrees"

    def __call__(self, gt: np.ndarray, rng: Generator) -> np.ndarray:
        """Make the LQ image (ceil(H/s), ceil(W/s), 3) of `gt` (H, W, 3), both RGB float32 in [0, 1]."""
        blurred = self._blur(gt, rng)
        small = self._downsample(blurred)
        level = self._draw_noise_level(rng)
        if level > 0:
            small = small + level * rng.standard_normal(small.shape, dtype=np.float32)
        return round_to_8_bit(self._compress(small, rng))

    def _draw_noise_level(self, rng: Generator) -> float:
        s = self.settings
        is_clean = s.noise_prob < 1 and rng.random() >= s.noise_prob  # at 1, no random number is used up
        return 0.0 if is_clean else s.noise_sigma_255.draw(rng) / 255

    def _blur(self, gt: np.ndarray, rng: Generator) -> np.ndarray:
        s = self.settings
        if s.lambda1 is not None and s.lambda2 is not None and s.theta_degrees is not None:
            theta = np.deg2rad(s.theta_degrees.draw(rng))
            kernel = anisotropic_gaussian_kernel(s.kernel_size, s.lambda1.draw(rng), s.lambda2.draw(rng), theta)
            return cv2.filter2D(gt, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
        sigma = s.sigma.draw(rng) if s.sigma is not None else 0.0
        if sigma == 0:
            return gt
        # A round Gaussian separates into a row and a column, which is faster and equal to rounding error.
        profile = cv2.getGaussianKernel(s.kernel_size, sigma, cv2.CV_32F)
        return cv2.sepFilter2D(gt, -1, profile, profile, borderType=cv2.BORDER_REFLECT_101)

    def _compress(self, img: np.ndarray, rng: Generator) -> np.ndarray:
        s = self.settings
        if s.jpeg_quality is None or rng.random() >= s.jpeg_prob:
            return img
        bgr = compress_jpeg(cv2.cvtColor(img, cv2.COLOR_RGB2BGR), quality=round(s.jpeg_quality.draw(rng)))
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)

    def _downsample(self, img: np.ndarray) -> np.ndarray:
        scale = self.settings.scale
        if scale == 1:
            return img
        if self.settings.downsampling == "s_fold":
            return img[::scale, ::scale]
        return bicubic_resize(img, 1 / scale, edge=self.settings.edge)
