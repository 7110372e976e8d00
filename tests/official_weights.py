"""Weights with the keys and shapes of the authors' released checkpoints."""

import json
from pathlib import Path

import torch
from torch import Tensor

LAYOUTS = json.loads((Path(__file__).parent / "data/golden/official_state_dict_layouts.json").read_text())
OFFICIAL_MEAN = (0.4488, 0.4371, 0.4040)


def official_weights(name: str, *, scale: int = 4) -> dict[str, Tensor]:
    """Make the weights of one of `LAYOUTS`: zeros, but for the mean shift."""
    layout = LAYOUTS[name]
    num_feat = layout["n_feats"]
    weights = {key: torch.zeros(shape) for key, shape in layout["keys"].items() if not key.startswith("G.tail.0.")}
    steps = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}[scale]
    for number, step in enumerate(steps):  # a convolution and a pixel shuffle each
        weights[f"G.tail.0.{2 * number}.weight"] = torch.zeros(num_feat * step**2, num_feat, 3, 3)
        weights[f"G.tail.0.{2 * number}.bias"] = torch.zeros(num_feat * step**2)
    for mean_shift, sign in (("G.sub_mean", -1), ("G.add_mean", 1)):
        weights[f"{mean_shift}.weight"] = torch.eye(3).reshape(3, 3, 1, 1)
        weights[f"{mean_shift}.bias"] = sign * torch.tensor(OFFICIAL_MEAN)
    return weights
