"""The layers that all networks are made of."""

import pytest
import torch
from torch import nn

from kdsr_arch.layers import bias_of, conv3x3, leaky_relu


def test_a_convolution_keeps_the_size_and_has_a_bias():
    conv = conv3x3(5, 7)
    assert conv(torch.zeros(1, 5, 4, 6)).shape == (1, 7, 4, 6)
    assert bias_of(conv) is conv.bias


def test_a_convolution_without_bias_is_named():
    with pytest.raises(ValueError, match=r"expected a convolution with bias, .* got Conv2d\(1, 1, .* bias=False\)"):
        bias_of(nn.Conv2d(1, 1, 3, bias=False))


def test_the_activation_has_the_authors_slope_and_works_in_place():
    values = torch.tensor([-2.0, 0.0, 3.0])
    assert leaky_relu()(values) is values
    torch.testing.assert_close(values, torch.tensor([-0.2, 0.0, 3.0]))
