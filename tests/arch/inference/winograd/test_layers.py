"""Layers on the kernels against PyTorch's: any size, part, number of threads and processor."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from kdsr_arch.layers import conv3x3

pytest.importorskip("llvmlite")
from kdsr_arch.inference.winograd import kernel as fast_conv  # noqa: E402
from kdsr_arch.inference.winograd import layers as fast_layers  # noqa: E402
from kdsr_arch.inference.winograd import llvm  # noqa: E402
from kdsr_arch.inference.winograd.layers import FastConv, FeatureMap, gather_team  # noqa: E402


def make_map(image):
    features = FeatureMap(*image.shape[1:])
    features.clear_padding()
    features.image.copy_(image)
    return features


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 21),
    width=st.integers(1, 70),
    in_channels=st.sampled_from([3, 8, 16, 33]),
    out_channels=st.sampled_from([3, 8, 48, 64]),
    activate=st.booleans(),
    use_residual=st.booleans(),
    use_depthwise=st.booleans(),
    seed=st.integers(0, 9),
)
@torch.no_grad()
def test_a_layer_equals_pytorchs(height, width, in_channels, out_channels, activate, use_residual, use_depthwise, seed):
    torch.manual_seed(seed)
    conv = conv3x3(in_channels, out_channels)
    image, residual = torch.randn(1, in_channels, height, width), torch.randn(1, out_channels, height, width)
    kernels = torch.randn(in_channels, 1, 3, 3)
    seen = F.leaky_relu(F.conv2d(image, kernels, padding=1, groups=in_channels), 0.1) if use_depthwise else image
    expected = conv(seen)
    expected = F.leaky_relu(expected, 0.1) if activate else expected
    expected = expected + residual if use_residual else expected
    layer, target = FastConv(conv, activate=activate), FeatureMap(out_channels, height, width)
    arranged = torch.zeros(9, fast_layers.padded(in_channels))
    arranged[:, :in_channels] = kernels.flatten(1).t()
    with gather_team([layer]) as team:
        layer(
            team,
            make_map(image),
            target,
            residual=make_map(residual) if use_residual else None,
            depthwise=arranged if use_depthwise else None,
        )
    torch.testing.assert_close(target.image, expected, atol=2e-5, rtol=2e-5)


@torch.no_grad()
def test_nothing_is_written_around_the_image():
    layer, target = FastConv(conv3x3(8, 8)), FeatureMap(8, 6, 9)
    with gather_team([layer]) as team:
        layer(team, make_map(torch.rand(1, 8, 6, 9)), target)
    around = target.memory.clone()
    around[1:7, 1:10] = 0
    assert not around.any() and target.image.any()


@pytest.mark.parametrize("area", [(0, 7, 0, 20), (2, 5, 3, 11), (6, 7, 19, 20)])
@torch.no_grad()
def test_sums_over_a_part_see_what_lies_around_it(area):
    torch.manual_seed(0)
    conv, image = conv3x3(8, 20), torch.randn(1, 8, 7, 20)
    layer = FastConv(conv, activate=True)
    with gather_team([layer]) as team:
        total = layer.sum_up(team, make_map(image), area=area)
    top, bottom, left, right = area
    expected = F.leaky_relu(conv(image), 0.1)[0, :, top:bottom, left:right].double().sum(dim=(1, 2))
    torch.testing.assert_close(total, expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
@torch.no_grad()
def test_any_number_of_threads_gives_the_same(threads):
    torch.manual_seed(0)
    layer, source = FastConv(conv3x3(8, 8)), make_map(torch.randn(1, 8, 33, 120))
    results = []
    before = torch.get_num_threads()
    for count in (2, threads):
        torch.set_num_threads(count)
        target = FeatureMap(8, 33, 120)
        with gather_team([layer]) as team:
            layer(team, source, target)
        results.append(target.image.clone())
    torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize("lanes, registers", [(4, 16), (4, 32), (8, 16)])
@torch.no_grad()
def test_the_shapes_for_other_processors_give_the_same(monkeypatch, lanes, registers):
    """Narrower vectors run here as well, so that no processor of another kind is needed."""
    processor = llvm.Processor(lanes=lanes, registers=registers)
    for module in (fast_conv, fast_layers):
        monkeypatch.setattr(module, "this_processor", lambda: processor)
    fast_conv.convolution_kernel.cache_clear()
    torch.manual_seed(0)
    conv, image = conv3x3(16, 24), torch.randn(1, 16, 9, 14)
    layer, target = FastConv(conv), FeatureMap(24, 9, 14)
    with gather_team([layer]) as team:
        layer(team, make_map(image), target)
    fast_conv.convolution_kernel.cache_clear()
    torch.testing.assert_close(target.image, conv(image), atol=1e-5, rtol=1e-5)
