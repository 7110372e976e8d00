"""From features to pixels, part by part, by the chain of convolutions and by one."""

import pytest
import torch

from kdsr_arch.inference import reconstruction
from kdsr_arch.inference.merging import REACH
from kdsr_arch.inference.reconstruction import Reconstruction
from kdsr_arch.inference.tiling import cut, grow
from kdsr_arch.sr_network import SRNetwork


def reconstruct(network, features, boxes, *, merge):
    """Put an SR image together of parts, each from features that reach no further than they need."""
    height, width = features.shape[2:]
    made = Reconstruction(network, merge=merge)
    sr = torch.full((1, 3, height * made.scale, width * made.scale), torch.nan)
    for box in boxes:
        outer = grow(box, REACH, height, width)
        made.write(sr, cut(features, outer), outer=outer, box=box)
    return sr


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("merge", [False, True])
@torch.no_grad()
def test_parts_make_the_whole_image(scale, merge, monkeypatch):
    monkeypatch.setattr(reconstruction, "STRIP_PIXELS", 20)
    monkeypatch.setattr(reconstruction, "PIECE_BYTES", 60_000)
    network = SRNetwork(scale, num_feat=8, num_block=1)
    features = torch.randn(1, 8, 9, 11)
    boxes = [(0, 4, 0, 11), (4, 9, 0, 3), (4, 9, 3, 11)]
    sr = reconstruct(network, features, boxes, merge=merge)
    torch.testing.assert_close(sr, network.reconstruct(features), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(1, 5), (5, 1), (1, 1), (2, 2)])
@torch.no_grad()
def test_images_of_few_pixels_are_whole_too(size):
    network = SRNetwork(4, num_feat=8, num_block=1)
    features = torch.randn(1, 8, *size)
    sr = reconstruct(network, features, [(0, size[0], 0, size[1])], merge=True)
    torch.testing.assert_close(sr, network.reconstruct(features), atol=1e-5, rtol=1e-5)
