"""What the benchmarks share: peak memory, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run_alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, whose memory nothing else has touched, and give what it gives."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def peak_bytes() -> int:
    """Give the most memory that this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():  # resource's number would begin with the parent process's peak
        kilobytes = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]
        return 1024 * int(kilobytes)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
