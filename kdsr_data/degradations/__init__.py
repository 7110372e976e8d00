"""The degradations that make LQ images from GT: the one implementation behind training, validation and tools."""

from kdsr_data.degradations.base import (
    DEGRADATION_REGISTRY,
    Degradation,
    build_degradation,
    degradation_settings,
    round_to_8_bit,
)
from kdsr_data.degradations.classic import ClassicDegradation, ClassicSettings
from kdsr_data.degradations.kernels import anisotropic_gaussian_kernel, isotropic_gaussian_kernel
from kdsr_data.degradations.mixed import MixedDegradation
from kdsr_data.degradations.resize import bicubic_resize
from kdsr_data.degradations.second_order import SecondOrderDegradation

__all__ = [
    "DEGRADATION_REGISTRY",
    "ClassicDegradation",
    "ClassicSettings",
    "Degradation",
    "MixedDegradation",
    "SecondOrderDegradation",
    "anisotropic_gaussian_kernel",
    "bicubic_resize",
    "build_degradation",
    "degradation_settings",
    "isotropic_gaussian_kernel",
    "round_to_8_bit",
]
