"""Between two models: one network with the weights of a faithful network and of the sharp one made from it, mixed.

Networks of one ancestry stay networks when their weights are mixed (ESRGAN, arXiv 1809.00219, section 3.4).
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from kdsr_tools.checkpoints.loading import LoadedNetwork


def check_sharpness(sharpness: float) -> None:
    """Refuse what is no share; ValueError."""
    if not 0 <= sharpness <= 1:
        raise ValueError(f"sharpness: expected 0 (faithful) to 1 (sharp), got {sharpness:g}")


def mix(faithful: LoadedNetwork, sharp: LoadedNetwork, *, sharpness: float) -> LoadedNetwork:
    """Mix two networks weight by weight; `sharpness` in [0, 1] is the share of `sharp`.

    Raises:
        ValueError: the sharpness is out of range, or the networks are of different kinds or sizes.
    """
    check_sharpness(sharpness)
    network = copy.deepcopy(faithful.network)
    mixed, other = network.state_dict(), sharp.network.state_dict()
    if {key: value.shape for key, value in mixed.items()} != {key: value.shape for key, value in other.items()}:
        raise ValueError(
            f"sharpness: {faithful.path} ({faithful.description}) and {sharp.path} ({sharp.description}) are networks "
            "of different sizes, whose weights cannot be mixed"
        )
    network.load_state_dict({key: torch.lerp(value, other[key], sharpness) for key, value in mixed.items()})
    return replace(sharp, network=network, sharpness=sharpness)
