"""What benchmarks and comparisons share: peak memory, each in a process of its own, and busy processes beside it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

# Ends with the process that started it too, even where that one was killed.
SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"


def run_alone(
    function: Callable[..., Any], *arguments: Any, environment: Mapping[str, str | None] | None = None
) -> Any:
    """Call a function in a new process, whose memory nothing else has touched, and give what it gives.

    Args:
        environment: variables that are different there; None removes one.
    """
    with _changed_environment(environment or {}), multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


@contextmanager
def _changed_environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    before = dict(os.environ)
    for name, value in changes.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def busy_processes(count: int) -> Iterator[list[subprocess.Popen]]:
    """Keep so many processes computing, and end them."""
    processes: list[subprocess.Popen] = []
    try:
        for _ in range(count):
            processes.append(subprocess.Popen([sys.executable, "-S", "-c", SPIN, str(os.getpid())]))
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def measure_peak_megabytes(prepare: Callable[..., Callable[[], Any]], *args: Any, device: torch.device) -> float:
    """Return the MB (2^20 bytes) that some work needs at most, beyond what a process holds that has only imported it.

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
    """Return the most memory that this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():  # resource's number would begin with the parent process's peak
        kilobytes = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]
        return 1024 * int(kilobytes)
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
