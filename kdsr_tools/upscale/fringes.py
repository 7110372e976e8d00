"""Edges of transparent pictures: what a network made of colour and alpha, kept within what their neighbours allow.

A network sharpens colour and alpha, each for itself, and rings a little beside edges. The quotient of the two would
show that as dark or coloured fringes, and alpha as a faint haze around shapes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from kdsr_tools.upscale.pixels import LEAST_ALPHA, Planes

RINGING_REACH = 3  # LQ pixels, within which an edge shows in a network's result


def limit_to_neighbours(sr: Planes, lq: Planes) -> Planes:
    """Keep alpha, and at edges colour, between the least and the most that the 3x3 pixels around had before.

    What was opaque, or transparent, with all its neighbours stays so. Away from edges, colours are as the network made
    them; nearby, where colour and alpha overshoot alike, they are divided by its alpha.

    Args:
        sr: both with alpha, colours premultiplied; `sr` (1, 3, sH, sW) and (1, 1, sH, sW) is `lq` enlarged.
    """
    if sr.alpha is None or lq.alpha is None:
        raise ValueError("sr, lq: expected planes with alpha, got opaque ones, which have no fringes")
    scale = sr.alpha.shape[-1] // lq.alpha.shape[-1]
    least_alpha, most_alpha = (_enlarge(limit, scale) for limit in _find_range(lq.alpha, lq.alpha))
    alpha = torch.minimum(torch.maximum(sr.alpha, least_alpha), most_alpha)
    is_edge = least_alpha < 1
    is_solid = _enlarge(_find_least(lq.alpha, 2 * RINGING_REACH + 1), scale) == 1
    straight = sr.colour / torch.where(is_solid, 1.0, sr.alpha.clamp(min=LEAST_ALPHA))
    lq_is_visible = lq.alpha >= LEAST_ALPHA
    lq_straight = lq.colour / lq.alpha.clamp(min=LEAST_ALPHA)
    hidden_is_more, hidden_is_less = (
        torch.where(lq_is_visible, lq_straight, limit) for limit in (torch.inf, -torch.inf)
    )
    least, most = (_enlarge(limit, scale) for limit in _find_range(hidden_is_more, hidden_is_less))
    limited = torch.minimum(torch.maximum(straight, least), most)
    colour = torch.where(is_edge, limited, straight) * alpha
    return Planes(torch.where(alpha > 0, colour, 0.0), alpha)


def _find_range(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least of `low` and the most of `high` among 3x3 pixels."""
    return _find_least(low, 3), F.max_pool2d(high, 3, stride=1, padding=1)


def _find_least(values: Tensor, size: int) -> Tensor:
    return -F.max_pool2d(-values, size, stride=1, padding=size // 2)


def _enlarge(values: Tensor, scale: int) -> Tensor:
    return F.interpolate(values, scale_factor=scale, mode="nearest")
