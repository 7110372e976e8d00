"""The LQ images of the second-order degradation against those of BasicSR's Real-ESRGAN pipeline, by simple statistics.

BasicSR's values are measured by `second_order_statistics.py`. What the comparison cannot see, such as a step's
probability changed by 0.2, is tested as an option in `test_second_order.py`.
"""

import numpy as np
import pytest
import second_order_statistics as reference
from scipy import stats

from kdsr_data import build_degradation

NO_NOISE = {"noise_sigma_255": 0, "poisson_scale_range": 0}
# By BasicSR's stand-in for JPEG, which repeats chroma pixels where decoders, ours among them, interpolate.
CHROMA = ("colour noise", "coarse colour noise")


def measure(*, num_samples, **options):
    """Describe our LQ images of the reference's image, (samples, statistics)."""
    degradation = build_degradation({"type": "SecondOrderDegradation", "scale": 4, **options})
    image = reference.test_image().astype(np.float32) / 255
    rng = np.random.default_rng(0)
    return np.array([reference.describe(degradation(image, rng)) for _ in range(num_samples)])


@pytest.fixture(scope="module")
def ours():
    return measure(num_samples=reference.NUM_SAMPLES["with_opencv_jpeg"])


def p_values(values, *, jpeg):
    """Return by statistic the probability of a distance like this one, were ours and BasicSR's one distribution."""
    pairs = zip(reference.NAMES, values.T, np.load(reference.REFERENCE)[jpeg].T, strict=True)
    return {name: stats.ks_2samp(ours, theirs).pvalue for name, ours, theirs in pairs}


def test_lq_images_are_distributed_as_basicsrs_with_the_same_jpeg(ours):
    assert min(p_values(ours, jpeg="with_opencv_jpeg").values()) > 0.001


def test_means_and_spreads_are_basicsrs_with_the_same_jpeg(ours):
    expected = np.load(reference.REFERENCE)["with_opencv_jpeg"]
    error = np.sqrt(ours.var(axis=0) / len(ours) + expected.var(axis=0) / len(expected))
    assert (np.abs(ours.mean(axis=0) - expected.mean(axis=0)) < 3.5 * error).all()
    np.testing.assert_allclose(ours.std(axis=0), expected.std(axis=0), rtol=0.3)


def test_lq_images_are_distributed_as_basicsrs_but_for_chroma(ours):
    found = p_values(ours, jpeg="as_it_is")
    assert min(value for name, value in found.items() if name not in CHROMA) > 0.001


MISSING = {
    "first blur": {"first": {"blur_prob": 0}},
    "first resize": {"first": {"resize_prob": [0, 0, 1]}},
    "first noise": {"first": NO_NOISE},
    "first JPEG": {"first": {"jpeg_prob": 0}},
    "second blur": {"second": {"blur_prob": 0}},
    "second resize": {"second": {"resize_prob": [0, 0, 1]}},
    "second noise": {"second": NO_NOISE},
    "last JPEG": {"second": {"jpeg_prob": 0}},
    "final sinc": {"final_sinc_prob": 0},
    "gray noise": {"first": {"gray_noise_prob": 0}, "second": {"gray_noise_prob": 0}},
}


@pytest.mark.parametrize("step", MISSING)
def test_the_comparison_notices_a_step_that_is_missing(step):
    values = measure(num_samples=1000, **MISSING[step])
    assert min(p_values(values, jpeg="with_opencv_jpeg").values()) < 0.001
