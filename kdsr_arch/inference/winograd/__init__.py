"""The student's convolutions on a CPU by Winograd's method, in machine code that llvmlite makes."""

from __future__ import annotations

import logging
from functools import cache

from kdsr_arch.checkpoint import first_line


def report_failure(error: Exception) -> None:
    """Log that the kernels cannot be used and why, once for each reason."""
    _report(f"{type(error).__name__}: {first_line(error)}")


@cache
def _report(reason: str) -> None:
    logging.getLogger(__name__).warning(
        "llvmlite's kernels fail here, PyTorch's slower layers do their work (%s)", reason
    )
