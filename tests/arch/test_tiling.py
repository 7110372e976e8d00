"""Restoring in tiles: equal to the whole image, with one IDR."""

import pytest
import torch

from kdsr_arch import KDSRStudent, KDSRTeacher, tiling


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    return KDSRStudent(2, num_feat=8, num_block=2, num_estimator_block=1).eval()


@pytest.mark.parametrize("size", [(30, 41), (16, 16), (7, 50)])
@torch.no_grad()
def test_the_idr_of_tiles_is_that_of_the_whole_image(student, size):
    lq = torch.rand(2, 3, *size)
    whole = tiling.estimate_idr(student.estimator, lq)
    tiled = tiling.estimate_idr(student.estimator, lq, tile_size=9)
    torch.testing.assert_close(tiled, whole, atol=1e-6, rtol=1e-5)
    assert torch.equal(whole, student.estimate_idr(lq)[0])


@torch.no_grad()
def test_tiles_that_estimate_their_own_idr_would_differ(student):
    lq = torch.rand(1, 3, 30, 41)
    own = student.estimate_idr(lq[..., :9])[0]
    assert not torch.allclose(own, tiling.estimate_idr(student.estimator, lq, tile_size=9), atol=1e-6)


@torch.no_grad()
def test_with_enough_overlap_tiles_equal_the_whole_image(student):
    lq = torch.rand(1, 3, 30, 41)
    idr = student.estimate_idr(lq)[0]
    tiled = tiling.super_resolve(student, lq, idr, tile_size=10, overlap=2 * 2 + 4)
    torch.testing.assert_close(tiled, student(lq), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_the_estimators_reach_is_exact(student):
    lq = torch.rand(1, 3, 30, 30)
    other = lq.clone()
    other[..., 15, 15] += 1
    difference = (student.estimator.extract_features(lq) - student.estimator.extract_features(other)).abs()
    rows = torch.nonzero(difference.sum(dim=(0, 1, 3))).flatten()
    assert (int(rows.min()), int(rows.max())) == (15 - student.estimator.reach, 15 + student.estimator.reach)


@torch.no_grad()
def test_the_teachers_idr_is_tiled_too():
    teacher = KDSRTeacher(2, num_feat=8, num_block=1, num_estimator_block=1)
    lq, gt = torch.rand(1, 3, 20, 21), torch.rand(1, 3, 40, 42)
    tiled = tiling.estimate_idr(teacher.estimator, teacher.join(lq, gt), tile_size=8)
    torch.testing.assert_close(tiled, teacher.estimate_idr(lq, gt)[0], atol=1e-6, rtol=1e-5)
