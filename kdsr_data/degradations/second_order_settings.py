"""The options of `SecondOrderDegradation`: two stages of equal form, with the numbers of Real-ESRGAN.

Source: arXiv 2107.10833 (Real-ESRGAN), which the real-world setting of KDSR (arXiv 2211.16928, section 4.3) takes over.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from kdsr_options.schema import Range, Settings, Within

KernelShape = Literal["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]
Probability = Annotated[float, Field(ge=0, le=1)]


def _check_sum(probabilities: list[float]) -> list[float]:
    if abs(sum(probabilities) - 1) > 1e-6:
        raise ValueError(f"expected probabilities that sum to 1, got {probabilities}, sum {sum(probabilities):g}")
    return probabilities


Probabilities = Annotated[list[Probability], AfterValidator(_check_sum)]


class StageSettings(Settings):
    """One pass of blur, resize, noise and JPEG; the defaults are those of the first.

    `blur_sigma` in pixels, `resize_ratio_range` relative to GT in the first stage and to the final LQ in the second,
    `noise_sigma_255` on the 0..255 scale, `jpeg_quality_range` as libjpeg counts.
    """

    blur_prob: Probability = 1.0
    kernel_size_range: Annotated[Range, Within(1, 51)] = Range(7, 21)
    kernel_list: list[KernelShape] = list(get_args(KernelShape))
    kernel_prob: Probabilities = [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]
    sinc_prob: Probability = 0.1
    blur_sigma: Annotated[Range, Within(0.05, 20)] = Range(0.2, 3)
    betag_range: Annotated[Range, Within(0.1, 20)] = Range(0.5, 4)
    betap_range: Annotated[Range, Within(0.1, 20)] = Range(1, 2)
    resize_prob: Probabilities = [0.2, 0.7, 0.1]  # up, down, keep
    resize_ratio_range: Annotated[Range, Within(0.05, 4)] = Range(0.15, 1.5)
    gaussian_noise_prob: Probability = 0.5
    noise_sigma_255: Annotated[Range, Within(0, 255)] = Range(1, 30)
    poisson_scale_range: Annotated[Range, Within(0, 20)] = Range(0.05, 3)
    gray_noise_prob: Probability = 0.4
    jpeg_prob: Probability = 1.0
    jpeg_quality_range: Annotated[Range, Within(1, 100)] = Range(30, 95)

    @field_validator("kernel_size_range")
    @classmethod
    def _check_odd(cls, sizes: Range) -> Range:
        if any(size % 2 != 1 for size in sizes):
            raise ValueError(f"expected odd whole numbers, got {list(sizes)}")
        return sizes

    @field_validator("resize_ratio_range")
    @classmethod
    def _check_around_one(cls, ratios: Range) -> Range:
        if not ratios.low <= 1 <= ratios.high:
            raise ValueError(f"expected [low, high] with low <= 1 <= high, got {list(ratios)}")
        return ratios

    @model_validator(mode="after")
    def _check_lengths(self):
        if len(self.kernel_prob) != len(self.kernel_list):
            raise ValueError(f"kernel_prob has {len(self.kernel_prob)} entries for {len(self.kernel_list)} kernels")
        if len(self.resize_prob) != 3:
            raise ValueError(f"resize_prob: expected three entries (up, down, keep), got {self.resize_prob}")
        return self


class SecondStageSettings(StageSettings):
    """The second pass: the same options with other defaults."""

    blur_prob: Probability = 0.8
    blur_sigma: Annotated[Range, Within(0.05, 20)] = Range(0.2, 1.5)
    resize_prob: Probabilities = [0.3, 0.4, 0.3]
    resize_ratio_range: Annotated[Range, Within(0.05, 4)] = Range(0.3, 1.2)
    noise_sigma_255: Annotated[Range, Within(0, 255)] = Range(1, 25)
    poisson_scale_range: Annotated[Range, Within(0, 20)] = Range(0.05, 2.5)


class SecondOrderSettings(Settings):
    """Options of `SecondOrderDegradation`."""

    scale: int = Field(ge=1, le=8)
    first: StageSettings = StageSettings()
    second: SecondStageSettings = SecondStageSettings()
    final_sinc_prob: Probability = 0.8
