"""Means and differences of a comparison's items.

A difference between two models is paired: image by image, each image's cases averaged first, since cases of one
image are not independent. Its interval is the percentile bootstrap over images (Efron, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from kdsr_tools.compare.settings import Metric
from kdsr_tools.compare.store import Item

NUM_RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean over items; `num_missing` failed or have no defined value. `value` is None when nothing is left."""

    value: float | None
    num: int
    num_missing: int


@dataclass(frozen=True)
class Difference:
    """A mean paired difference over `num` images, with its 95 % interval (None for fewer than two images)."""

    value: float
    low: float | None
    high: float | None
    num: int

    @property
    def is_clear(self) -> bool:
        """Return whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Scores:
    """The scores of one image set, by model."""

    def __init__(self, items: Iterable[Item]):
        self.items = list(items)
        self.models = list(dict.fromkeys(item.name.model for item in self.items))
        self._of_model = {model: [item for item in self.items if item.name.model == model] for model in self.models}

    def mean(self, model: str, metric: Metric, *, where: Callable[[Item], bool] = lambda item: True) -> Mean:
        """Average a metric over a model's items, or those of a case or image."""
        chosen = [item for item in self._of_model[model] if where(item)]
        values = [value for item in chosen if (value := item.scores.get(metric)) is not None]
        return Mean(fmean(values) if values else None, len(values), len(chosen) - len(values))

    def difference(self, model: str, baseline: str, metric: Metric) -> Difference | None:
        """Compare a model with the baseline on what both have done; None if that is nothing."""
        pairs: dict[str, list[float]] = {}
        of_baseline = self._by_place(baseline, metric)
        for place, value in self._by_place(model, metric).items():
            if place in of_baseline and math.isfinite(value - of_baseline[place]):
                pairs.setdefault(place[0], []).append(value - of_baseline[place])
        if not pairs:
            return None
        by_image = [fmean(values) for values in pairs.values()]
        return Difference(fmean(by_image), *bootstrap_interval(by_image), num=len(by_image))

    def _by_place(self, model: str, metric: Metric) -> dict[tuple[str, str], float]:
        return {
            (item.name.image, item.name.setting): value
            for item in self._of_model[model]
            if (value := item.scores.get(metric)) is not None
        }

    def failures(self, model: str) -> list[Item]:
        """List what a model could not restore."""
        return [item for item in self._of_model[model] if item.error]

    def describe_undefined(self) -> list[str]:
        """Say which images are left out of which metric's mean, and why, naming the first of each reason."""
        found: dict[tuple[str, str], list[str]] = {}
        for item in self.items:
            for metric, reason in item.reasons.items():
                images = found.setdefault((metric, reason), [])
                if item.name.image not in images:
                    images.append(item.name.image)
        return [
            f"{metric.upper()} leaves out {images[0]}{f' and {len(images) - 1} more' if images[1:] else ''}: {reason}"
            for (metric, reason), images in found.items()
        ]


def bootstrap_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the 95 % percentile bootstrap interval of a mean, the same each time; None for fewer than two."""
    if len(values) < 2:
        return None, None
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(values), size=(NUM_RESAMPLES, len(values)))
    means = np.asarray(values)[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
