"""What models cost: parameters, multiply-adds, seconds, memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kdsr_tools.benchmark.measurement import measure_peak_megabytes
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
        """Give the fields as plain values."""
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
    seconds = time_in_turn(in_use, lq, rounds=options.rounds, device=device)
    costs = {}
    for model in models:
        has_memory = options.memory and model.source is not None and not model.sees_gt
        time = seconds.get(model.name)
        costs[model.name] = Cost(
            parameters=count_parameters(model.network) if model.network else None,
            giga_macs=count_giga_macs(model.network, lq) if model.network and not model.sees_gt else None,
            seconds_per_megapixel=time and time / megapixels,
            memory_mb=_measure_memory(model.source, options.lq_size, device) if has_memory else None,
        )
    return costs


def time_in_turn(
    restorers: dict[str, Restorer], lq: Tensor, *, rounds: int, device: torch.device
) -> dict[str, float | None]:
    """Give each restorer's median seconds over the rounds, after one that is not counted; None for one that fails."""
    seconds: dict[str, list[float]] = {name: [] for name in restorers}
    failed = set()
    for number in range(rounds + 1):
        for name, restore in restorers.items():
            if name in failed:
                continue
            try:
                start = perf_counter()
                restore(lq).cpu()  # waits for the device
            except Exception:  # its items say why
                failed.add(name)
            else:
                seconds[name] += [perf_counter() - start] if number else []
    return {name: median(values) if values and name not in failed else None for name, values in seconds.items()}


def count_parameters(network: nn.Module) -> int:
    """Count parameters, as papers do: without buffers."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_giga_macs(network: nn.Module, lq: Tensor) -> float | None:
    """Count the multiply-adds of convolutions and matrix products in 10^9; on shapes alone, so nothing is computed."""
    try:
        on_meta = copy.deepcopy(network).to("meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            on_meta(lq.to("meta"))
    except Exception:  # networks that look at values cannot run on shapes
        return None
    return counter.get_total_flops() / 2e9


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
