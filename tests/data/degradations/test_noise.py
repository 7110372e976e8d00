"""Noise of the second-order degradation: distributed as BasicSR's, and as Poisson's law says."""

import numpy as np
import pytest
from basicsr.data import degradations as basicsr_functions
from scipy import stats

from kdsr_data.degradations.noise import add_gaussian_noise, add_poisson_noise, poisson


@pytest.mark.parametrize("is_gray", [True, False])
def test_gaussian_noise_agrees_with_basicsrs(is_gray):
    flat = np.full((128, 128, 3), 0.4, np.float32)
    np.random.seed(0)  # noqa: NPY002  (what BasicSR draws from)
    theirs = basicsr_functions.add_gaussian_noise(flat, sigma=12, clip=True, gray_noise=is_gray) - flat
    ours = add_gaussian_noise(flat, 12 / 255, is_gray=is_gray, rng=np.random.default_rng(0)) - flat
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert np.corrcoef(ours.reshape(-1, 3).T)[0, 1] == pytest.approx(float(is_gray), abs=0.03)


@pytest.mark.parametrize("is_gray", [True, False])
def test_poisson_noise_agrees_with_basicsrs(photograph, is_gray):
    image = photograph.astype(np.float32) / 255
    np.random.seed(0)  # noqa: NPY002  (what BasicSR draws from)
    bgr = image[..., ::-1]
    theirs = basicsr_functions.add_poisson_noise(bgr, scale=1.5, clip=True, gray_noise=is_gray) - bgr
    ours = add_poisson_noise(bgr, 1.5, is_gray=is_gray, rng=np.random.default_rng(0)) - bgr
    for dark, bright in ((0, 0.2), (0.2, 0.5), (0.5, 0.8)):
        chosen = (bgr >= dark) & (bgr < bright)
        assert ours[chosen].std() == pytest.approx(theirs[chosen].std(), rel=0.05)


@pytest.mark.parametrize("mean", [0.5, 3.0, 6.0, 8.0, 20.0, 200.0])
def test_drawn_counts_follow_poissons_law(mean):
    drawn = poisson(np.full(100_000, mean, np.float32), np.random.default_rng(0))
    assert drawn.min() >= 0
    np.testing.assert_array_equal(drawn, np.round(drawn))
    values = np.arange(int(mean + 8 * mean**0.5) + 2)
    distance = np.abs(np.array([(drawn <= v).mean() for v in values]) - stats.poisson.cdf(values, mean)).max()
    assert distance < 0.008
