"""The one timer: what is compared takes turns, so that a busy machine is fair to all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any


def time_in_turn(works: Mapping[str, Callable[[], Any]], *, rounds: int) -> dict[str, list[float]]:
    """Run every work once a round and give the seconds of each by round; one more round before them is not counted.

    A work on a GPU waits for it before it returns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = perf_counter()
            work()
            if number > 0:  # the first round warms up
                seconds[name].append(perf_counter() - start)
    return seconds


def median_ratio(seconds: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the ratios round by round, of which a pause of the machine spoils one."""
    return median(own / other for own, other in zip(seconds, others, strict=True))
