"""The option blocks of small data sets, to be changed one key at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def training_block(root: Path | str = "gt", **changes: Any) -> dict[str, Any]:
    """Return the options of a `DegradedImageDataset` that cuts 32x32 patches."""
    return {
        "name": "photos",
        "type": "DegradedImageDataset",
        "phase": "train",
        "scale": 4,
        "dataroot_gt": str(root),
        "io_backend": {"type": "disk"},
        "gt_size": 32,
        "use_hflip": True,
        "use_rot": True,
        "degradation": {"type": "ClassicDegradation", "sigma": [0.2, 4.0]},
        **changes,
    }


def benchmark_block(root: Path | str = "gt", **changes: Any) -> dict[str, Any]:
    """Return the options of a `BlindSRBenchmarkDataset` with Gaussian8, unless a list of settings is given."""
    settings = {} if "settings" in changes else {"preset": "gaussian8"}
    return {
        "name": "set",
        "type": "BlindSRBenchmarkDataset",
        "phase": "test",
        "scale": 4,
        "dataroot_gt": str(root),
        **settings,
        **changes,
    }
