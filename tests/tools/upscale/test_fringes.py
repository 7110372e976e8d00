"""Edges of transparent pictures: no haze, no fringe, and inside of shapes the network's own colours."""

import pytest
import torch
from torch.nn import functional as F

from kdsr_tools.upscale.fringes import limit_to_neighbours
from kdsr_tools.upscale.pixels import Planes

COLOUR = torch.tensor([1.0, 0.8, 0.4]).reshape(1, 3, 1, 1)


@pytest.fixture
def lq():
    """A square of one colour, 10x10 of 16x16 pixels, half transparent at its left side."""
    alpha = torch.zeros(1, 1, 16, 16)
    alpha[..., 3:13, 3:13] = 1
    alpha[..., 3:13, 3] = 0.5
    return Planes(alpha * COLOUR, alpha)


@pytest.fixture
def ringing(lq):
    """The same enlarged twice, with an error everywhere that differs between colour and alpha."""
    sr = (F.interpolate(plane, scale_factor=2, mode="bicubic") for plane in lq)
    return Planes(*(plane + 0.2 * torch.rand_like(plane) - 0.1 for plane in sr))


def straight(planes):
    return (planes.colour / planes.alpha)[planes.alpha.expand_as(planes.colour) > 0].reshape(3, -1)


def test_no_colour_appears_that_no_neighbour_had(lq, ringing):
    result = limit_to_neighbours(ringing, lq)
    edge = (result.alpha > 0) & (F.interpolate(-F.max_pool2d(-lq.alpha, 3, 1, 1), scale_factor=2) < 1)
    colours = (result.colour / result.alpha)[edge.expand_as(result.colour)].reshape(3, -1)
    torch.testing.assert_close(colours, COLOUR.reshape(3, 1).expand_as(colours))
    assert (straight(ringing) - COLOUR.reshape(3, 1)).abs().max() > 0.3


def test_what_was_clear_or_opaque_all_around_stays_so(lq, ringing):
    result = limit_to_neighbours(ringing, lq)
    assert (result.alpha[..., :4] == 0).all()
    assert (result.colour[..., :4] == 0).all()
    assert (result.alpha[..., 8:24, 10:24] == 1).all()
    assert (result.alpha >= 0).all()
    assert (result.alpha <= 1).all()


def test_inside_of_shapes_colours_are_the_networks_own(lq, ringing):
    result = limit_to_neighbours(ringing, lq)
    torch.testing.assert_close(result.colour[..., 12:20, 14:20], ringing.colour[..., 12:20, 14:20])


def test_a_result_without_errors_stays_as_it_is(lq):
    sr = Planes(*(F.interpolate(plane, scale_factor=2, mode="bilinear") for plane in lq))
    result = limit_to_neighbours(sr, lq)
    torch.testing.assert_close(result.alpha, sr.alpha)
    torch.testing.assert_close(result.colour, sr.colour)


def test_what_is_transparent_everywhere_stays_so(lq, ringing):
    hidden = Planes(torch.zeros_like(lq.colour), torch.zeros_like(lq.alpha))
    result = limit_to_neighbours(ringing, hidden)
    assert (result.alpha == 0).all()
    assert (result.colour == 0).all()
