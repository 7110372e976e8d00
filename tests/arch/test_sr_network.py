"""The SR network's parts, each against a slow and obvious version of itself."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kdsr_arch.sr_network import DIV2K_MEAN, DynamicBlock, DynamicDepthwiseConv, SRNetwork, Upsampler

SCALES = [2, 3, 4, 8]


def copy_pixels(upsampler):
    """Set an upsampler's weights so that each pixel becomes a square of its colour."""
    for conv, step in zip(upsampler.convs, upsampler.steps, strict=True):
        nn.init.zeros_(conv.bias)
        nn.init.zeros_(conv.weight)
        for channel in range(conv.in_channels):
            conv.weight.data[channel * step**2 : (channel + 1) * step**2, channel, 1, 1] = 1


def test_dynamic_convolution_equals_a_loop_over_images_and_channels():
    layer, features, idr = DynamicDepthwiseConv(4), torch.rand(2, 4, 6, 5), torch.randn(2, 4)
    hidden = F.leaky_relu(idr @ layer.linear1.weight.T, 0.1)
    kernels = (hidden @ layer.linear2.weight.T).reshape(2, 4, 3, 3)
    expected = torch.zeros(2, 4, 6, 5)
    padded = F.pad(features, (1, 1, 1, 1))
    for image, channel in np.ndindex(2, 4):
        for row, column in np.ndindex(6, 5):
            window = padded[image, channel, row : row + 3, column : column + 3]
            expected[image, channel, row, column] = (window * kernels[image, channel]).sum()
    torch.testing.assert_close(layer(features, idr), expected, atol=1e-5, rtol=1e-4)


def test_an_idr_of_zeros_lets_nothing_through():
    layer = DynamicDepthwiseConv(4)
    assert not layer(torch.rand(2, 4, 6, 5), torch.zeros(2, 4)).any()


def test_a_dynamic_block_adds_to_its_input():
    block, features = DynamicBlock(4), torch.randn(2, 4, 6, 5)
    before = features.clone()
    nn.init.constant_(block.conv.bias, 0.25)
    torch.testing.assert_close(block(features, torch.zeros(2, 4)), before + 0.25)
    assert torch.equal(features, before)


@pytest.mark.parametrize("scale", SCALES)
def test_upsampler_puts_every_pixel_in_its_place(scale):
    upsampler, features = Upsampler(scale, num_feat=3), torch.rand(2, 3, 4, 5)
    copy_pixels(upsampler)
    expected = features.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    torch.testing.assert_close(upsampler(features), expected)


@pytest.mark.parametrize("scale", [1, 5, 16, "4"])
def test_other_scales_are_refused_by_name(scale):
    with pytest.raises(ValueError, match=f"scale: expected one of 2, 3, 4, 8, got {scale!r}"):
        Upsampler(scale, num_feat=8)


@pytest.mark.parametrize("scale", SCALES)
def test_the_mean_colour_is_taken_off_and_added_again(scale):
    network = SRNetwork(scale, num_feat=8, num_block=2)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    mean = torch.tensor(DIV2K_MEAN).reshape(1, 3, 1, 1)
    assert mean.flatten().tolist() == pytest.approx([0.4488, 0.4371, 0.4040])
    sr = network(mean.expand(1, 3, 4, 5), torch.randn(1, 8))
    torch.testing.assert_close(sr, mean.expand(1, 3, 4 * scale, 5 * scale))


def test_all_blocks_receive_the_same_idr_and_make_their_own_kernels():
    network, idr = SRNetwork(2, num_feat=8, num_block=3), torch.randn(1, 8)
    received = []
    for block in network.blocks:
        block.register_forward_pre_hook(lambda _, inputs: received.append(inputs[1]))
    network(torch.rand(1, 3, 6, 6), idr)
    assert [torch.equal(one, idr) for one in received] == [True] * 3
    kernels = {block.depthwise.predict_kernels(idr).detach().numpy().tobytes() for block in network.blocks}
    assert len(kernels) == 3


def test_recomputing_the_blocks_changes_no_number():
    network, lq, idr = SRNetwork(2, num_feat=8, num_block=2), torch.rand(2, 3, 6, 7), torch.randn(2, 8)
    results = []
    for network.recompute in (False, True):
        network.zero_grad()
        sr = network(lq, idr)
        sr.square().sum().backward()
        results.append([sr.detach(), *(parameter.grad for parameter in network.parameters())])
    for kept, recomputed in zip(*results, strict=True):
        assert torch.equal(kept, recomputed)


@pytest.mark.parametrize("scale", SCALES)
def test_the_direct_upsampler_puts_every_colour_in_its_place(scale):
    network = SRNetwork(scale, num_feat=3, num_block=1, direct_upsampler=True)
    copy_pixels(network.upsampler)
    features = torch.rand(2, 3, 4, 5)
    expected = features.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    sr = network.reconstruct(features)
    torch.testing.assert_close(sr, expected + torch.tensor(DIV2K_MEAN).reshape(1, 3, 1, 1))


def test_blocks_can_begin_small_and_all_else_begins_as_ever():
    networks = []
    for scale in (1.0, 0.1):
        torch.manual_seed(0)
        networks.append(SRNetwork(2, num_feat=4, num_block=2, block_init_scale=scale).state_dict())
    plain, small = networks
    for key, weight in plain.items():
        factor = 0.1 if ".conv." in key else 1.0
        torch.testing.assert_close(small[key], weight * factor)
