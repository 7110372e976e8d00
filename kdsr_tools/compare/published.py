"""Published numbers beside measured ones, for the image sets and cases that they were published for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml

from kdsr_tools.compare.settings import ImagesSettings, Metric

DATA_FILE = Path(__file__).with_name("published.yml")


class Published(NamedTuple):
    """One method's numbers on one image set, as printed in `source`.

    `other_rule` tells what was measured instead, where the numbers cannot be compared with the rest; else it is empty.
    """

    method: str
    scores: dict[Metric, float]
    source: str
    other_rule: str

    @property
    def tag(self) -> str:
        """What to mark the numbers with."""
        return "published, by another rule" if self.other_rule else "published"


def find_published(name: str, options: ImagesSettings, *, scale: int) -> list[Published]:
    """List what was published for an image set of this name, when scale and cases are those of the publication."""
    data = _read()
    is_same = scale == data["scale"] and options.preset == data["preset"] and options.sigma_range is None
    is_noise_free = options.noise_levels in (None, [0])
    if not (is_same and is_noise_free and options.dataroot_lq is None):
        return []
    return [
        Published(method, sets[name], data["source"], data["other_rules"].get(method, ""))
        for method, sets in data["methods"].items()
        if name in sets
    ]


@lru_cache(maxsize=1)
def _read() -> dict:
    return yaml.safe_load(DATA_FILE.read_text(encoding="utf-8"))
