"""What the first model with heads says of each LQ picture that a comparison's page shows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from kdsr_arch import KDSRStudent
from kdsr_arch.checkpoint import read_heads
from kdsr_tools.checkpoints.loading import LoadedNetwork
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.upscale.upscaler import Upscaler

# Given LQ (H, W, 3), BGR uint8: what the viewer shows of it.
Diagnose = Callable[[np.ndarray], dict[str, Any]]


def make_diagnoser(models: Iterable[ComparedModel]) -> Diagnose | None:
    """Return what diagnoses LQ pictures, None where no model has heads."""
    for model in models:
        student = model.network
        if isinstance(student, KDSRStudent) and model.source is not None and read_heads(model.source.weights):
            # A copy: the page is made on the CPU, wherever the model was measured.
            loaded = LoadedNetwork(copy.deepcopy(student), student.scale, model.description, model.source.weights)
            return _bind(Upscaler(loaded, device="cpu"), model.name)
    return None


def _bind(upscaler: Upscaler, name: str) -> Diagnose:
    def diagnose(lq: np.ndarray) -> dict[str, Any]:
        found = upscaler.diagnose(np.ascontiguousarray(lq[..., ::-1]))
        return {
            "note": found.summarise(),
            "details": "\n".join([f"{name} says: {found.describe()[0]}", *found.describe()[1:]]),
        }

    return diagnose
