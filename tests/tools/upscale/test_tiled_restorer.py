"""Tiles of networks that are not KDSR's: seamless where the overlap covers the network's reach."""

import pytest
import torch
from torch import nn

from kdsr_arch.inference import tiling
from kdsr_tools.upscale import tiled_restorer
from kdsr_tools.upscale.tiled_restorer import TiledRestorer

CPU = torch.device("cpu")


@pytest.fixture
def network():
    """Enlarge twice, with a reach of two pixels."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2)).eval()


@pytest.mark.parametrize("tile_size", [1, 16, 30, 200])
def test_tiles_make_up_the_whole(network, tile_size):
    lq = torch.rand(1, 3, 40, 61)
    with torch.no_grad():
        torch.testing.assert_close(TiledRestorer(network, scale=2, device=CPU, tile_size=tile_size)(lq), network(lq))


def test_large_pictures_are_cut_into_tiles_without_being_asked(network, monkeypatch):
    sizes = []
    monkeypatch.setattr(tiled_restorer, "TILE_SIZE", 32)
    network.register_forward_pre_hook(lambda module, args: sizes.append(tuple(args[0].shape[2:])))
    TiledRestorer(network, scale=2, device=CPU)(torch.rand(1, 3, 20, 200))
    assert len(sizes) == 7
    assert max(sizes) == (20, 96)


def test_where_memory_runs_out_tiles_are_halved(network):
    def refuse_large(module, args):
        if max(args[0].shape[2:]) > 150:
            raise tiling.OutOfMemoryError("no memory")

    network.register_forward_pre_hook(refuse_large)
    lq = torch.rand(1, 3, 9, 256)
    with torch.no_grad():
        expected = nn.Sequential(*network)(lq)
    torch.testing.assert_close(TiledRestorer(network, scale=2, device=CPU)(lq), expected)


def test_reduced_precision_gives_nearly_the_same_in_fp32(network):
    lq = torch.rand(1, 3, 9, 9)
    sr = TiledRestorer(network, scale=2, device=CPU, dtype=torch.bfloat16)(lq)
    assert sr.dtype == torch.float32
    difference = (sr - network(lq)).abs().max()
    assert 0 < difference < 0.05


def test_an_impossible_tile_is_refused(network):
    with pytest.raises(ValueError, match="tile_size: expected at least 1 pixel, got 0"):
        TiledRestorer(network, scale=2, device=CPU, tile_size=0)
