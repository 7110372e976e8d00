"""JPEG's quality against how coarsely it quantises."""

import numpy as np
import pytest

from kdsr_tools.heads.quality import to_coarseness, to_quality


def test_qualities_come_back():
    qualities = np.arange(1, 101)
    np.testing.assert_allclose([to_quality(value) for value in to_coarseness(qualities)], qualities, atol=1e-6)


def test_the_scale_is_libjpegs_and_grows_with_the_loss():
    assert to_coarseness(np.array([100, 50, 25])) == pytest.approx(np.log1p([0, 10, 20]))
    assert to_quality(-1.0) == 100  # below none
