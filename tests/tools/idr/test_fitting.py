"""Heads are fitted on what is known, and their intervals hold what they promise."""

import numpy as np
import pytest
import torch

from kdsr_tools.heads.reader import LARGE_PIXELS
from kdsr_tools.idr.crops import Crops
from kdsr_tools.idr.fitting import conformal_quantile, fit_heads, fit_ridge


def make_crops(number, *, seed=0, noise=0.1):
    """Make features that hold every target, with errors as large as `noise`, twice as large in small pictures."""
    rng = np.random.default_rng(seed)
    blur, level, coarseness = rng.uniform(0, 4, number), rng.uniform(0, 30, number), rng.uniform(0, 3, number)
    shape = rng.normal(size=(number, 2)) * (rng.random(number) < 0.5)[:, None]
    clean = (level < 5).astype(float)
    targets = np.stack([blur, level, coarseness, *shape.T, clean], axis=1)
    is_large = rng.random(number) < 0.5
    spread = np.array([1, 7, 1, 1, 1, 0.3]) * noise
    held = targets + rng.normal(size=targets.shape) * spread * np.where(is_large, 1, 2)[:, None]
    features = torch.from_numpy(held @ np.random.default_rng(5).normal(size=(6, 10)))
    idr = torch.from_numpy(np.stack([blur, level, blur + level], axis=1))
    pixels = np.where(is_large, LARGE_PIXELS, 48**2)
    return Crops(features, idr, torch.from_numpy(targets), np.arange(number) % 60, pixels, np.zeros(number, int))


@pytest.fixture(scope="module")
def heads():
    return fit_heads(make_crops(3000))


def test_heads_say_what_features_hold(heads):
    tests = make_crops(1000, seed=1)
    said, _ = heads.score(tests.features)
    for k in range(5):
        rest = (said[:, k] - tests.targets[:, k]).var() / tests.targets[:, k].var()
        assert rest < 0.1, k
    probabilities = [
        heads.read(row[None], num_pixels=LARGE_PIXELS)[0].clean_probability for row in tests.features[:300]
    ]
    assert np.corrcoef(probabilities, tests.targets[:300, 5])[0, 1] > 0.7


@pytest.mark.parametrize("num_pixels", [48**2, LARGE_PIXELS])
def test_intervals_hold_nine_of_ten_in_either_size(heads, num_pixels):
    tests = make_crops(4000, seed=2)
    where = tests.num_pixels == num_pixels
    said, radii = heads.find_radii(tests.features[where], num_pixels=num_pixels)
    truth = tests.targets[where]
    for k in range(3):
        held = float(((said[:, k] - truth[:, k]).abs() <= radii[:, k]).double().mean())
        assert 0.85 < held < 0.95, k
    assert 0.85 < float(((said[:, 3:5] - truth[:, 3:5]).norm(dim=1) <= radii[:, 3]).double().mean()) < 0.95


def test_small_pictures_have_wider_intervals(heads):
    features = make_crops(200, seed=3).features
    small, large = (heads.find_radii(features, num_pixels=pixels)[1].mean(dim=0) for pixels in (1, LARGE_PIXELS))
    assert bool((small > 1.3 * large).all())


def test_knobs_are_what_one_damage_alone_adds_to_the_idr(heads):
    torch.testing.assert_close(
        heads.knobs, torch.tensor([[0, 5, 5], [2, 0, 2]], dtype=torch.float64), atol=1e-6, rtol=0
    )


def test_features_that_tell_nothing_give_intervals_that_say_so():
    crops = make_crops(1500)
    blind = fit_heads(Crops(torch.randn(1500, 10).double(), *list(vars(crops).values())[1:]))
    readings = blind.read(torch.randn(50, 10).double(), num_pixels=LARGE_PIXELS)
    assert np.mean([reading.blur.is_known for reading in readings]) < 0.3
    assert np.mean([reading.direction.is_known for reading in readings]) < 0.1
    assert np.mean([reading.is_clean is None for reading in readings]) > 0.5


def test_ridge_is_least_squares_where_nothing_is_penalised():
    features = torch.randn(50, 3).double()
    line = fit_ridge(features, features @ torch.tensor([[1.0], [2], [3]]).double() + 4, penalty=1e-9)
    assert line.weight[:, 0].tolist() == pytest.approx([1, 2, 3])
    assert float(line.bias[0]) == pytest.approx(4)


def test_the_conformal_quantile_is_a_little_above_the_samples():
    assert float(conformal_quantile(torch.arange(1.0, 100))) == 90
    assert float(conformal_quantile(torch.arange(1.0, 5))) == 4  # too few: the largest


def test_too_few_crops_are_refused():
    with pytest.raises(ValueError, match="heads need at least 300 crops of 6 pictures, got 100 of 60"):
        fit_heads(make_crops(100))
