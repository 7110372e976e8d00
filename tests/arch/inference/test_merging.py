"""One convolution in place of the upsampler's chain."""

import pytest
import torch
from torch.nn import functional as F

from kdsr_arch.inference.merging import BETWEEN, FIRST, LAST, merge_convolutions
from kdsr_arch.sr_network import SRNetwork, mean_like


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@torch.no_grad()
def test_the_merged_weights_give_each_place_its_pixels(scale):
    torch.manual_seed(0)
    network = SRNetwork(scale, num_feat=8, num_block=1)
    features = torch.randn(1, 8, 7, 6)
    expected = F.pixel_unshuffle(network.reconstruct(features) - mean_like(features), scale)
    rows, columns = ({FIRST: slice(0, 1), BETWEEN: slice(1, size - 1), LAST: slice(size - 1, size)} for size in (7, 6))
    for (row, column), (weight, bias) in merge_convolutions(network).items():
        pixels = F.conv2d(features, weight, bias, padding=2)
        place = (..., rows[row], columns[column])
        torch.testing.assert_close(pixels[place], expected[place], atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_two_pixels_are_enough_for_the_merged_weights():
    network = SRNetwork(4, num_feat=8, num_block=1)
    features = torch.randn(1, 8, 2, 2)
    expected = F.pixel_unshuffle(network.reconstruct(features) - mean_like(features), 4)
    for row, column in ((FIRST, FIRST), (FIRST, LAST), (LAST, FIRST), (LAST, LAST)):
        pixels = F.conv2d(features, *merge_convolutions(network)[row, column], padding=2)
        place = (..., int(row == LAST), int(column == LAST))
        torch.testing.assert_close(pixels[place], expected[place], atol=1e-6, rtol=1e-5)


def test_a_direct_upsampler_needs_no_merging():
    assert merge_convolutions(SRNetwork(4, num_feat=8, num_block=1, direct_upsampler=True)) is None
