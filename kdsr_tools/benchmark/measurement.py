"""What benchmarks and comparisons share: peak memory, each in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def run_alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, whose memory nothing else has touched, and give what it gives."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def measure_peak_megabytes(prepare: Callable[..., Callable[[], Any]], *args: Any, device: torch.device) -> float:
    """Give the MB (2^20 bytes) that some work needs at most, beyond what a process holds that has only imported it.

    Args:
        prepare: called with `args` before the measurement; what it returns is called as the work that is measured.
            On the CPU both happen in a new process, so `prepare` is a module's function and `args` can be pickled.
    """
    if device.type == "cuda":
        return _use(prepare, args, device)
    return run_alone(_use, prepare, args, device)


def _use(prepare: Callable[..., Callable[[], Any]], args: tuple, device: torch.device) -> float:
    work = prepare(*args)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before = peak_bytes()
    work()
    return (peak_bytes() - before) / 2**20


def peak_bytes() -> int:
    """Give the most memory that this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():  # resource's number would begin with the parent process's peak
        kilobytes = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]
        return 1024 * int(kilobytes)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
