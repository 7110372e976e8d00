"""Damages: what is drawn, and that pictures suffer what their numbers say."""

import numpy as np
import pytest

from kdsr_data.degradations import bicubic_resize
from kdsr_tools.idr.damages import Damage, apply_damage, draw_damage


def damaged(gt, **damage):
    return apply_damage(gt, Damage(**damage), scale=4, rng=np.random.default_rng(0))


def test_every_damage_comes_and_stays_away_by_itself():
    rng = np.random.default_rng(0)
    drawn = [draw_damage(rng, scale=4) for _ in range(2000)]
    assert {(d.width > 0, d.noise > 0, d.quality is not None) for d in drawn} == {
        (blur, noise, jpeg) for blur in (False, True) for noise in (False, True) for jpeg in (False, True)
    }
    assert max(d.width for d in drawn) <= 4 and max(d.noise for d in drawn) <= 30
    assert {d.quality for d in drawn if d.quality} == set(range(25, 98))
    assert 0.1 < np.mean([d.is_clean for d in drawn]) < 0.25
    shapes = [d.sigmas[0] / d.sigmas[1] for d in drawn if d.width]
    assert 0.4 < np.mean([shape == 1 for shape in shapes]) < 0.6
    assert max(draw_damage(rng, scale=2).width for _ in range(200)) <= 2


def test_no_damage_is_bicubic_downsampling_of_eight_bits(gt):
    np.testing.assert_allclose(damaged(gt), np.clip(bicubic_resize(gt, 1 / 4), 0, 1), atol=0.51 / 255)


def test_damages_are_what_they_say(gt):
    plain = damaged(gt)
    across, along = (
        np.abs(np.diff(damaged(gt, sigmas=(4.0, 0.5), degrees=degrees), axis=1)).mean() for degrees in (0, 90)
    )
    assert across < along  # a kernel that lies along the row smooths the row
    noisy = damaged(np.full((96, 96, 3), 0.5, np.float32), noise=10.0)
    assert noisy.std() * 255 == pytest.approx(10, abs=0.5)
    assert 0 < np.abs(damaged(gt, quality=95) - plain).mean() < np.abs(damaged(gt, quality=25) - plain).mean()


@pytest.mark.parametrize(
    ("damage", "is_clean"),
    [
        ({}, True),
        ({"sigmas": (0.5, 0.5), "noise": 1.0, "quality": 96}, True),
        ({"sigmas": (0.5, 1.5)}, False),
        ({"noise": 2.0}, False),
        ({"quality": 90}, False),
    ],
)
def test_what_nobody_sees_is_clean(damage, is_clean):
    assert Damage(**damage).is_clean is is_clean


def test_the_width_is_the_root_of_the_mean_square():
    assert Damage((3.0, 4.0)).width == pytest.approx(12.5**0.5)
