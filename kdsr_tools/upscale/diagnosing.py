"""What a student believes of a picture, and of each of its tiles, read from its IDR."""

from __future__ import annotations

from torch import Tensor

from kdsr_arch.inference.restorer import ImageRestorer
from kdsr_tools.heads.diagnosis import Diagnosis
from kdsr_tools.heads.reader import Heads, join_features

# LQ pixels of a tile's side, as heads learn from.
MAP_TILE_SIZE = 48


def read_tile_idrs(restorer: ImageRestorer, heads: Heads, lq: Tensor) -> tuple[Diagnosis, list[list[Diagnosis]]]:
    """Say what happened to `lq` (1, 3, H, W), RGB in [0, 1], and to its tiles, row by row; the last may be smaller."""
    whole, tiles = restorer.pool_tiles(lq, tile_size=MAP_TILE_SIZE)
    rows = [read_idrs(restorer, heads, row, num_pixels=MAP_TILE_SIZE**2) for row in tiles]
    return read_idrs(restorer, heads, whole, num_pixels=lq.shape[2] * lq.shape[3])[0], rows


def read_idrs(restorer: ImageRestorer, heads: Heads, features: Tensor, *, num_pixels: int) -> list[Diagnosis]:
    """Say what happened to N pictures or tiles of so many LQ pixels, by what `pool_features` gave (N, F)."""
    features_and_idr_prime = join_features(features, restorer.summarise_to_idr_prime(features))
    return heads.read(features_and_idr_prime, num_pixels=num_pixels)
