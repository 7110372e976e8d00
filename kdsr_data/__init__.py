"""Degradations and data sets; importing registers the data sets in BasicSR's `DATASET_REGISTRY`."""

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)
from kdsr_data.blind_sr_benchmark_dataset import BlindSRBenchmarkDataset
from kdsr_data.degradations import ClassicDegradation, build_degradation
from kdsr_data.degradations.mixed import MixedDegradation
from kdsr_data.degradations.second_order import SecondOrderDegradation
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
