"""What models cost: parameters, multiply-adds, seconds, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor

from kdsr_tools.benchmark.counting import count_macs, count_parameters
from kdsr_tools.benchmark.measurement import measure_peak_megabytes
from kdsr_tools.benchmark.timing import time_in_turn
from kdsr_tools.compare.models import ComparedModel, NetworkSource
from kdsr_tools.compare.settings import CostSettings
from kdsr_tools.evaluation import Restorer


@dataclass(frozen=True)
class Cost:
    """One model's cost at one LQ size; None for what does not apply or could not be measured.

    `seconds_per_megapixel` of SR (10^6 pixels), the median of the rounds; `memory_mb` as `measure_peak_megabytes`.
    """

    parameters: int | None
    giga_macs: float | None
    seconds_per_megapixel: float | None
    memory_mb: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return the fields as plain values."""
        return asdict(self)


def measure_costs(
    models: Sequence[ComparedModel], options: CostSettings, *, scale: int, device: torch.device
) -> dict[str, Cost]:
    """Measure every model at one LQ size; times are taken in turn, so that a busy machine is fair to all.

    Of models that see GT, which no picture to restore has, only the parameters are counted.
    """
    lq = torch.rand(1, 3, *options.lq_size, generator=torch.Generator().manual_seed(0))
    megapixels = scale**2 * options.lq_size[0] * options.lq_size[1] / 1e6
    in_use = {model.name: model.restore for model in models if not model.sees_gt}
    seconds = time_restorers(in_use, lq, rounds=options.rounds)
    costs = {}
    for model in models:
        source = model.source if options.memory and not model.sees_gt else None
        time = seconds.get(model.name)
        costs[model.name] = Cost(
            parameters=count_parameters(model.network) if model.network else None,
            giga_macs=_count_giga_macs(model, options.lq_size),
            seconds_per_megapixel=time and time / megapixels,
            memory_mb=_measure_memory(source, options.lq_size, device) if source is not None else None,
        )
    return costs


def time_restorers(restorers: dict[str, Restorer], lq: Tensor, *, rounds: int) -> dict[str, float | None]:
    """Return each restorer's median seconds over the rounds; None for one that fails, which takes no further turn."""
    failed = set()

    def attempt(name: str) -> None:
        if name not in failed:
            try:
                restorers[name](lq).cpu()  # waits for the device
            except Exception:  # its items say why
                failed.add(name)

    seconds = time_in_turn({name: partial(attempt, name) for name in restorers}, rounds=rounds)
    return {name: None if name in failed else median(values) for name, values in seconds.items()}


def _count_giga_macs(model: ComparedModel, lq_size: tuple[int, int]) -> float | None:
    if model.network is None or model.sees_gt:
        return None
    try:
        return count_macs(model.network, lq_size) / 1e9
    except ValueError:  # it cannot run on shapes
        return None


def _measure_memory(source: NetworkSource, lq_size: tuple[int, int], device: torch.device) -> float | None:
    try:
        return measure_peak_megabytes(prepare_restoring, source, lq_size, str(device), device=device)
    except (RuntimeError, MemoryError):  # out of memory: its items say so
        return None


def prepare_restoring(source: NetworkSource, lq_size: tuple[int, int], device: str) -> Callable[[], None]:
    """Prepare to load a network and restore one LQ image, in a process of its own."""
    lq = torch.rand(1, 3, *lq_size)

    def work() -> None:
        loaded = source.load()
        with torch.inference_mode():
            loaded.network.to(device)(lq.to(device)).cpu()

    return work
