"""Images, kernels, degradations, and the data sets that BasicSR finds by name once their modules are imported."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)

if TYPE_CHECKING:
    from kdsr_data.blind_sr_benchmark_dataset import BlindSRBenchmarkDataset
    from kdsr_data.degradations import ClassicDegradation, build_degradation
    from kdsr_data.degradations.mixed import MixedDegradation
    from kdsr_data.degradations.second_order import SecondOrderDegradation
    from kdsr_data.degraded_image_dataset import DegradedImageDataset
    from kdsr_options.schema import OptionError

# Imported when they are asked for, so that the reader of pictures needs neither PyTorch nor BasicSR.
_HOMES = {
    "BlindSRBenchmarkDataset": "kdsr_data.blind_sr_benchmark_dataset",
    "ClassicDegradation": "kdsr_data.degradations",
    "DegradedImageDataset": "kdsr_data.degraded_image_dataset",
    "MixedDegradation": "kdsr_data.degradations.mixed",
    "OptionError": "kdsr_options.schema",
    "SecondOrderDegradation": "kdsr_data.degradations.second_order",
    "build_degradation": "kdsr_data.degradations",
}

__all__ = [
    "BlindSRBenchmarkDataset",
    "ClassicDegradation",
    "DegradedImageDataset",
    "MixedDegradation",
    "OptionError",
    "SecondOrderDegradation",
    "build_degradation",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
