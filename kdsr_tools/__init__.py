"""The command line, evaluation and reports of KDSR; and `Upscaler`, which enlarges pictures from Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)

if TYPE_CHECKING:
    from kdsr_tools.upscale.upscaler import Upscaler

__all__ = ["Upscaler"]


def __getattr__(name: str) -> Any:
    # Not imported before it is asked for, so that `kdsr --help` need not wait for PyTorch.
    if name in __all__:
        return getattr(import_module("kdsr_tools.upscale.upscaler"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
