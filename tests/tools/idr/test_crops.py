"""Damaged crops: the same on every run, with the truth beside them."""

import cv2
import numpy as np
import pytest
import torch
from option_files import SMALL_NETWORKS

from kdsr_arch import KDSRStudent
from kdsr_data.image_source import ImageSource
from kdsr_tools.idr.crops import CONTENTS, collect_crops, find_content, find_targets
from kdsr_tools.idr.damages import Damage


@pytest.fixture
def student():
    return KDSRStudent(2, **SMALL_NETWORKS["KDSRStudent"]).eval()


def test_crops_repeat_and_come_from_every_picture_in_both_sizes(student, gt_folder):
    source, seen = ImageSource(gt_folder, io_backend={"type": "disk"}), []
    one, other = (collect_crops(student, source, number=7, seed=1, progress=lambda: seen.append(1)) for _ in range(2))
    assert len(seen) == 2 * 3
    assert torch.equal(one.features, other.features) and torch.equal(one.targets, other.targets)
    assert one.features.shape == (7, 64) and one.idr.shape == (7, 8) and one.targets.shape == (7, 6)
    assert sorted(set(one.image)) == [0, 1, 2]
    assert set(one.num_pixels) == {36 * 48}  # of pictures smaller than either size
    assert not torch.equal(collect_crops(student, source, number=7, seed=2).targets, one.targets)


def test_targets_are_the_truth_in_the_order_of_the_heads():
    blur, noise, coarseness, x, y, clean = find_targets(Damage((4.0, 2.0), 45.0, 7.0, 50))
    assert (noise, clean) == (7, 0)
    assert (blur, coarseness) == pytest.approx((10**0.5, np.log(11)))
    assert (x, y) == pytest.approx((0, np.log(2)), abs=1e-9)
    assert find_targets(Damage((2.0, 4.0), 135.0))[3:5] == pytest.approx((0, np.log(2)), abs=1e-9)
    assert find_targets(Damage()) == [0, 0, 0, 0, 0, 1]


def test_content_is_told_by_gradients():
    rng = np.random.default_rng(0)
    texture = cv2.resize(rng.random((48, 48, 3)).astype(np.float32), (192, 192), interpolation=cv2.INTER_NEAREST)
    edge = np.zeros((192, 192, 3), np.float32)
    edge[:, 96:] = 1
    contents = [CONTENTS[find_content(picture)] for picture in (np.full_like(edge, 0.5), texture, edge)]
    assert contents == ["flat", "texture", "edges"]
