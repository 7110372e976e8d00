"""The degradation estimator: what of an image its IDR depends on, and what not."""

import pytest
import torch
from torch import nn

from kdsr_arch.estimator import DegradationEstimator, ResidualBlock


@pytest.fixture
def estimator():
    """Make an estimator in double precision, since an untrained one tells images apart by little."""
    return DegradationEstimator(3, num_feat=8, num_block=1, num_idr=8).double()


def show_detail(detail, *, row, column):
    """Return a black 40x40 image with a detail in it."""
    image = torch.zeros(1, 3, 40, 40, dtype=torch.float64)
    image[..., row : row + detail.shape[1], column : column + detail.shape[2]] = detail
    return image


def see_single_pixels(estimator):
    """Let every convolution look at one pixel alone."""
    for layer in estimator.modules():
        if isinstance(layer, nn.Conv2d):
            center = layer.weight.data[..., 1, 1].clone()
            layer.weight.data.zero_()[..., 1, 1] = center


@pytest.mark.parametrize("in_channels", [3, 15])
@pytest.mark.parametrize("size", [(6, 6), (1, 1), (5, 9)])
def test_idr_has_the_channels_and_idr_prime_four_times_as_many(in_channels, size):
    estimator = DegradationEstimator(in_channels, num_feat=8, num_block=1, num_idr=8)
    idr, idr_prime = estimator(torch.rand(2, in_channels, *size))
    assert (idr.shape, idr_prime.shape) == ((2, 8), (2, 32))


def test_idr_does_not_tell_where_a_detail_lies(estimator):
    detail = torch.rand(3, 5, 5, dtype=torch.float64)
    here = estimator(show_detail(detail, row=14, column=16))
    there = estimator(show_detail(detail, row=19, column=15))
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(one, other, atol=1e-14, rtol=0)


def test_idr_tells_one_detail_from_another(estimator):
    detail = torch.rand(3, 5, 5, dtype=torch.float64)
    one, _ = estimator(show_detail(detail, row=14, column=16))
    turned, _ = estimator(show_detail(detail.flip(1), row=14, column=16))
    assert not torch.allclose(one, turned, atol=1e-8, rtol=0)  # far more than the test above lets pass


def test_pixels_seen_one_by_one_are_averaged_in_any_order_and_number(estimator):
    see_single_pixels(estimator)
    image = torch.rand(1, 3, 6, 8, dtype=torch.float64)
    shuffled = image.flatten(2)[..., torch.randperm(48)].reshape(1, 3, 8, 6)
    for other in (shuffled, image.repeat(1, 1, 2, 3)):
        torch.testing.assert_close(estimator(other)[1], estimator(image)[1], atol=1e-14, rtol=0)


@pytest.mark.parametrize("num_block", [1, 2])
def test_features_see_as_far_as_the_reach_says(num_block):
    estimator = DegradationEstimator(3, num_feat=8, num_block=num_block, num_idr=8)
    image = torch.rand(1, 3, 31, 31, requires_grad=True)
    estimator.extract_features(image)[0, :, 15, 15].sum().backward()
    seen = image.grad[0].abs().sum(dim=0) > 0
    expected = torch.zeros(31, 31, dtype=torch.bool)
    expected[15 - estimator.reach : 16 + estimator.reach, 15 - estimator.reach : 16 + estimator.reach] = True
    assert torch.equal(seen, expected)


def test_a_residual_block_adds_to_its_input():
    block, features = ResidualBlock(4), torch.randn(2, 4, 5, 6)
    before = features.clone()
    nn.init.zeros_(block.conv2.weight)
    nn.init.constant_(block.conv2.bias, 0.25)
    torch.testing.assert_close(block(features), before + 0.25)
    assert torch.equal(features, before)


def test_he_initialisation_lets_images_differ_in_their_idr():
    def spread(**options):
        torch.manual_seed(0)
        estimator = DegradationEstimator(3, num_feat=16, num_block=2, num_idr=16, **options)
        idr, _ = estimator(torch.rand(8, 3, 1, 1).expand(-1, -1, 12, 12) + 0.1 * torch.randn(8, 3, 12, 12))
        return (idr.std(dim=0).mean() / idr.abs().mean()).item()

    assert spread(he_init=True) > 0.2 > 0.02 > spread()
