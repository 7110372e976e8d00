"""What an upscaler's settings may be, on this machine and with its network."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import psutil
import torch

from kdsr_tools.checkpoints.loading import LoadedNetwork

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Of the memory that is free when an upscaler is made: results and other programs need some, too.
SHARE_OF_FREE_MEMORY = 0.5
LEAST_MEMORY = 512 * 2**20  # bytes


class Knobs(NamedTuple):
    """How far a picture's IDR is moved towards more noise and more blur, -1 to 1; 0 leaves it as it was estimated."""

    denoise: float = 0.0
    deblur: float = 0.0

    @classmethod
    def check(cls, **values: float) -> Knobs:
        """Make knobs. Raises ValueError for numbers beyond -1..1."""
        for name, value in values.items():
            if not -1 <= value <= 1:
                raise ValueError(f"{name}: expected -1 to 1, got {value:g}")
        return cls(**values)

    @property
    def are_turned(self) -> bool:
        """Whether anything is moved."""
        return any(self)


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that is unknown, or no good on a device. Raises ValueError."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "fp16" and device.type == "cpu":
        raise ValueError("precision: fp16 on a CPU is slow and overflows; use bf16 or fp32 there, or a GPU")


def check_outscale(outscale: float | None) -> None:
    """Refuse a final factor that no picture can have; None is the network's own. Raises ValueError."""
    if outscale is not None and not 0 < outscale < math.inf:
        raise ValueError(f"outscale: expected a number above 0, got {outscale}")


def refuse_student_settings(loaded: LoadedNetwork, *, max_memory: int | None, idr_from: Any, knobs: Knobs) -> None:
    """Refuse, with a network that is no KDSR student, what only those have. Raises ValueError."""
    if max_memory is not None:
        raise ValueError(
            f"max_memory: how much {loaded.description} needs is not known; set tile_size (--tile) instead"
        )
    if not (isinstance(idr_from, str) and idr_from == "full"):
        raise ValueError(f"idr_from: {loaded.description} estimates no IDR; leave it out")
    if knobs.are_turned:
        raise ValueError(f"denoise, deblur: {loaded.description} estimates no IDR that could be moved; leave them out")


def choose_memory(*, num_processes: int = 1) -> int:
    """Choose the bytes of memory that each of the processes on this machine may work with, by what is free."""
    return max(int(psutil.virtual_memory().available * SHARE_OF_FREE_MEMORY / num_processes), LEAST_MEMORY)
