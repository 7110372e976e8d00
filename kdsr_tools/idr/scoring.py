"""How well heads read pictures that they have never seen: R², and how often their intervals hold the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from kdsr_tools.heads.reader import CLEAN_FROM, DAMAGED_BELOW, LARGE_PIXELS, TELLING_SHARE, UNCERTAIN, Heads
from kdsr_tools.idr.crops import CONTENTS, Crops
from kdsr_tools.idr.fitting import find_errors
from kdsr_tools.markdown import format_table

NAMES = {
    "blur": "blur width",
    "noise": "noise level",
    "coarseness": "JPEG (log of quantiser)",
    "shape": "blur's elongation and direction",
}
FEWEST_CROPS = 20  # in a cell


def score_heads(heads: Heads, crops: Crops) -> str:
    """Lay out as Markdown tables what heads are worth on crops that they have not learned from."""
    said, radii = _read(heads, crops)
    groups = dict(_split(crops))
    columns = ["", *groups]
    r2 = [[name, *(_r2(said, crops.targets, u, where) for where in groups.values())] for u, name in _targets()]
    held, unknown = _find_intervals(heads, said, radii, crops.targets)
    shares = [
        [[NAMES[name], *(_share(values[:, u], where) for where in groups.values())] for u, name in enumerate(UNCERTAIN)]
        for values in (held, unknown)
    ]
    counts = [["crops", *(str(int(where.sum())) for where in groups.values())]]
    tables = (("R²", r2 + counts), ("truth inside the interval", shares[0]), ("cannot tell", shares[1]))
    texts = [format_table([title, *columns[1:]], rows) for title, rows in tables]
    return "\n\n".join([*texts, score_cleanness(heads, said[:, 5], crops.targets[:, 5])])


def _read(heads: Heads, crops: Crops) -> tuple[Tensor, Tensor]:
    said = torch.zeros_like(crops.targets)
    radii = torch.zeros(len(said), len(UNCERTAIN), dtype=said.dtype)
    for num_pixels in np.unique(crops.num_pixels):
        where = torch.from_numpy(crops.num_pixels == num_pixels)
        said[where], radii[where] = heads.find_radii(crops.features[where], num_pixels=int(num_pixels))
    return said, radii


def _split(crops: Crops) -> Iterator[tuple[str, np.ndarray]]:
    is_large = crops.num_pixels >= LARGE_PIXELS
    yield "all", np.ones_like(is_large)
    yield "tiles", ~is_large
    yield "pictures", is_large
    for number, content in enumerate(CONTENTS):
        yield content, crops.content == number


def _targets() -> list[tuple[slice, str]]:
    return [(slice(u, u + 1) if u < 3 else slice(3, 5), NAMES[name]) for u, name in enumerate(UNCERTAIN)]


def _r2(said: Tensor, truth: Tensor, target: slice, where: np.ndarray) -> str:
    if where.sum() < FEWEST_CROPS:
        return ""
    said, truth = said[where][:, target], truth[where][:, target]
    rest = (said - truth).square().sum()
    return f"{1 - float(rest / (truth - truth.mean(dim=0)).square().sum()):.2f}"


def _find_intervals(heads: Heads, said: Tensor, radii: Tensor, truth: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, U) of truth values: whether the interval holds the truth, and whether it is too wide to tell."""
    held = (find_errors(said, truth) <= radii).numpy()
    low, high = ((said[:, :3] + sign * radii[:, :3]).clamp(*heads.limits.T) for sign in (-1, 1))
    is_wide = high - low >= TELLING_SHARE * (heads.usual[:, 1] - heads.usual[:, 0])
    is_round = said[:, 3:5].norm(dim=1) <= radii[:, 3]
    return held, torch.cat([is_wide, is_round[:, None]], dim=1).numpy()


def _share(values: np.ndarray, where: np.ndarray) -> str:
    return "" if where.sum() < FEWEST_CROPS else f"{values[where].mean():.1%}"


def score_cleanness(heads: Heads, score: Tensor, is_clean: Tensor) -> str:
    """Say in a sentence how good the verdict is."""
    truth, probability = is_clean > 0.5, heads.find_clean_probability(score)
    says_clean, says_damaged = probability >= CLEAN_FROM, probability < DAMAGED_BELOW
    parts = []
    for name, chosen, right, wrong in (
        ("clean", truth, says_clean, says_damaged),
        ("damaged", ~truth, says_damaged, says_clean),
    ):
        count = int(chosen.sum())
        shares = [float(verdict[chosen].double().mean()) if count else 0.0 for verdict in (right, wrong)]
        parts.append(f"of {count} {name} crops, {shares[0]:.0%} are called so and {shares[1]:.0%} the opposite")
    return f"Verdict: {'; '.join(parts)}."
