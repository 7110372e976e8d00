"""Several processes that share the work, as torchrun starts them: who takes what, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

Item = TypeVar("Item")
# Others may work for so long after the first one has finished.
PATIENCE = timedelta(days=30)


@dataclass(frozen=True)
class Process:
    """One of `count` processes, `local_count` of which run on this machine; numbers count from 0."""

    number: int = 0
    count: int = 1
    local_number: int = 0
    local_count: int = 1

    @classmethod
    def from_environment(cls) -> Process:
        """Return which process this is from what torchrun sets, one alone without it."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        return cls(*(int(os.environ.get(name, default)) for name, default in zip(names, (0, 1, 0, 1), strict=True)))

    def take(self, items: Sequence[Item]) -> list[Item]:
        """Return this process's share; every item is in exactly one process's share."""
        return list(items[self.number :: self.count])

    def choose_device(self, name: str) -> str:
        """Give each process on this machine its own GPU, as far as there are enough; `name` as in `Upscaler`."""
        if name in ("auto", "cuda") and self.count > 1 and torch.cuda.is_available():
            return f"cuda:{self.local_number % torch.cuda.device_count()}"
        return name

    def share_processors(self) -> None:
        """Divide the machine's cores among its processes; torchrun would give each of them a single one."""
        if self.local_count > 1:
            torch.set_num_threads(max((os.cpu_count() or 1) // self.local_count, 1))

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all processes, in order, once all have arrived here; without torchrun, its own alone."""
        if self.count == 1 or "MASTER_ADDR" not in os.environ:
            return [value]
        distributed.init_process_group("gloo", timeout=PATIENCE)
        values = [None] * self.count
        distributed.all_gather_object(values, value)
        distributed.destroy_process_group()
        return values
