"""Degradations and data sets; a data set's module registers it in BasicSR's `DATASET_REGISTRY`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)

if TYPE_CHECKING:
    from kdsr_data.blind_sr_benchmark_dataset import BlindSRBenchmarkDataset
    from kdsr_data.degradations import (
        ClassicDegradation,
        MixedDegradation,
        SecondOrderDegradation,
        build_degradation,
    )
    from kdsr_data.degraded_image_dataset import DegradedImageDataset
    from kdsr_options.schema import OptionError

__all__ = [
    "BlindSRBenchmarkDataset",
    "ClassicDegradation",
    "DegradedImageDataset",
    "MixedDegradation",
    "OptionError",
    "SecondOrderDegradation",
    "build_degradation",
]
_HOMES = {
    "BlindSRBenchmarkDataset": "kdsr_data.blind_sr_benchmark_dataset",
    "DegradedImageDataset": "kdsr_data.degraded_image_dataset",
    "OptionError": "kdsr_options.schema",
}


def __getattr__(name: str) -> Any:
    # Not imported before it is asked for: pictures are read without BasicSR, which the data sets need.
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "kdsr_data.degradations")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
