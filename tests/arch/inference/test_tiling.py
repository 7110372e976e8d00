"""Restoring in tiles: equal to the whole image, with one IDR."""

import pytest
import torch

from kdsr_arch import KDSRStudent, KDSRTeacher
from kdsr_arch.inference import tiling


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


def test_the_plan_takes_the_whole_image_where_it_fits():
    assert tiling.plan_tile_size(180, 320, margin=110, max_pixels=180 * 320) == (180, 320)


@pytest.mark.parametrize(
    "max_pixels, expected",
    [
        (1080 * 1920 - 1, (1080, 960)),
        (600 * 1500, (1080, 480)),
        (400 * 400, (180, 175)),
        (236 * 236, (16, 16)),
    ],
)
def test_the_plan_sees_least_twice(max_pixels, expected):
    tile_height, tile_width = tiling.plan_tile_size(1080, 1920, margin=110, max_pixels=max_pixels)
    assert min(tile_height + 220, 1080) * min(tile_width + 220, 1920) <= max_pixels
    assert (tile_height, tile_width) == expected


def test_a_plan_without_room_says_how_much_it_needs():
    with pytest.raises(ValueError, match=f"max_pixels: expected at least {236 * 236}, .* got 1000"):
        tiling.plan_tile_size(1080, 1920, margin=110, max_pixels=1000)
    assert tiling.fewest_pixels(10, 1920, margin=110) == 10 * 236


@pytest.mark.parametrize(
    "size, max_pixels, expected", [((10, 5), 15, [3, 3, 3, 1]), ((2, 5), 4, [1, 1]), ((0, 5), 4, [])]
)
def test_strips_cover_a_tile(size, max_pixels, expected):
    strips = list(tiling.split_rows((4, 4 + size[0], 7, 7 + size[1]), max_pixels))
    assert [bottom - top for top, bottom, _, _ in strips] == expected
    assert all((left, right) == (7, 12) for _, _, left, right in strips)


def test_a_tile_without_columns_has_no_strips():
    assert list(tiling.split_rows((0, 5, 3, 3), 10)) == []


def test_tiles_are_cut_across_their_longer_side():
    assert tiling.halve((0, 9, 0, 4)) == [(0, 5, 0, 4), (5, 9, 0, 4)]
    assert tiling.halve((2, 6, 10, 21)) == [(2, 6, 10, 16), (2, 6, 16, 21)]


def test_after_running_out_of_memory_the_rest_is_visited_once():
    visited = []

    def work(box):
        if box[1] - box[0] > 32:
            raise tiling.OutOfMemoryError("fake")
        visited.append(box)

    tiling.visit([(0, 20, 0, 20), (20, 100, 0, 20)], work)
    assert visited[0] == (0, 20, 0, 20)
    covered = sorted((top, bottom) for top, bottom, _, _ in visited)
    assert [top for top, _ in covered] == [0, *[bottom for _, bottom in covered[:-1]]] and covered[-1][1] == 100


def test_places_inside_tiles_are_there_and_back():
    assert tiling.shifted(tiling.relative((5, 9, 6, 8), (3, 20, 4, 30)), (3, 20, 4, 30)) == (5, 9, 6, 8)
    assert tiling.intersect((0, 5, 0, 5), (3, 9, 4, 9)) == (3, 5, 4, 5)
    assert tiling.intersect((0, 2, 0, 5), (3, 9, 4, 9)) == (3, 3, 4, 5)
    assert tiling.align((5, 9, 8, 9), 4) == (4, 9, 8, 9)


def test_the_crop_is_the_middle():
    lq = torch.arange(5 * 7).reshape(1, 1, 5, 7)
    assert tiling.cut_centre(lq, 3).flatten().tolist() == [9, 10, 11, 16, 17, 18, 23, 24, 25]


@pytest.mark.parametrize(("margin", "alignment"), [(0, 1), (3, 1), (3, 4)])
def test_sums_count_every_pixel_once_whatever_is_seen_around_it(margin, alignment):
    image, seen_boxes = torch.rand(1, 2, 11, 13, dtype=torch.float64), []

    def sum_part(piece, box):
        seen_boxes.append(box)
        return tiling.cut(piece, box).sum(dim=(2, 3))

    total = tiling.sum_up(image, tiling.split(11, 13, 5), sum_part, margin=margin, alignment=alignment)
    torch.testing.assert_close(total, image.sum(dim=(2, 3)))
    assert len(seen_boxes) == 9
    with pytest.raises(ValueError, match="boxes: expected one at least"):
        tiling.sum_up(image, [], sum_part, margin=margin)


def test_tiles_are_put_together_without_what_was_seen_around_them():
    lq, pieces = torch.rand(2, 3, 7, 9), []

    def enlarge(piece):
        pieces.append(tuple(piece.shape[2:]))
        return torch.nn.functional.interpolate(piece, scale_factor=3)

    sr = tiling.restore(lq, tiling.split(7, 9, 5), enlarge, scale=3, margin=1)
    assert torch.equal(sr, torch.nn.functional.interpolate(lq, scale_factor=3))
    assert pieces == [(6, 6), (6, 5), (3, 6), (3, 5)]
