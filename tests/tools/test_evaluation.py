"""Restorers and scores."""

import numpy as np
import pytest
import torch

from kdsr_data.degradations import bicubic_resize
from kdsr_tools.evaluation import bicubic_restorer, score


def test_scores_follow_the_fields_rules(photograph):
    gt = photograph[:64, :64, ::-1]
    assert score(gt, gt, scale=4)["ssim"] == pytest.approx(1)
    shifted = gt.copy()
    shifted[:4] = 0  # the border is not looked at
    assert score(shifted, gt, scale=4)["psnr"] == float("inf")
    gray = np.full((32, 32, 3), 100, np.uint8)
    # One level of gray is 219/255 of one level of Y.
    expected = 20 * np.log10(255 / (219 / 255))
    assert score(gray + np.uint8(1), gray, scale=4)["psnr"] == pytest.approx(expected, abs=0.01)


def test_the_bicubic_restorer_enlarges_by_the_scale(gt):
    lq = torch.from_numpy(gt[:12, :16]).permute(2, 0, 1)[None]
    sr = bicubic_restorer(3)(lq)
    assert sr.shape == (1, 3, 36, 48)
    np.testing.assert_allclose(sr[0].permute(1, 2, 0).numpy(), bicubic_resize(gt[:12, :16], 3))
